const { asked } = require('./serve.js');

PhusionPassenger.on('exit', () => asked('exit'));
