// Has something open that its handler forgets, for longer than it is waited for in silence.
const { asked } = require('./serve.js');

PhusionPassenger.on('exit', () => {
  asked('holds');
  setTimeout(() => {}, 2500);
});
