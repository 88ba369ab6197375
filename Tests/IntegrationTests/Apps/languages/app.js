const http = require('http');
const { handler, note } = require('./facts.js');

PhusionPassenger.on('exit', () => note('ended'));
http.createServer(handler).listen(3000);
