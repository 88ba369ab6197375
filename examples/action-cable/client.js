// Two visitors of the chat, for the terminal: when both have come, one says something; prints what both hear.
// NODE_PATH=/usr/share/nodejs node client.js [ADDRESS]
'use strict';

const WebSocket = require('ws');

const [address = '127.0.0.1:8080'] = process.argv.slice(2);
const host = `action-cable.localhost:${address.split(':')[1]}`;
const channel = JSON.stringify({ channel: 'ChatChannel' });
let present = 0;
let heard = 0;

const visitors = ['first', 'second'].map((name) => {
  const options = { origin: `http://${host}`, headers: { Host: host } };
  const socket = new WebSocket(`ws://${address}/cable`, ['actioncable-v1-json'], options);
  socket.on('message', (bytes) => {
    const { type, message } = JSON.parse(bytes);
    if (type === 'welcome') socket.send(JSON.stringify({ command: 'subscribe', identifier: channel }));
    if (type === 'confirm_subscription' && ++present === 2) speak();
    if (message) {
      console.log(`the ${name} visitor hears: ${message.text}`);
      if (++heard === 2) process.exit();
    }
  });
  socket.on('error', (error) => { throw error; });
  return socket;
});

function speak() {
  const data = JSON.stringify({ action: 'speak', text: 'Hello!' });
  visitors[0].send(JSON.stringify({ command: 'message', identifier: channel, data }));
}
