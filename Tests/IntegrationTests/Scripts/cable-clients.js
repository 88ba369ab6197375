// cable-clients.js URL ORIGIN HOST: two clients of Action Cable in one room. When both have subscribed, the second one
// says something; ends when both have heard it, and prints what each received, or fails with what came instead.
const WebSocket = require('ws');

const [url, origin, host] = process.argv.slice(2);
const channel = JSON.stringify({ channel: 'ChatChannel', room: 'test' });
const heard = [];
let subscribed = 0;

const clients = ['first', 'second'].map((name) => {
  const socket = new WebSocket(url, ['actioncable-v1-json'], { origin, headers: { Host: host } });
  socket.on('message', (bytes) => {
    const message = JSON.parse(bytes);
    if (message.type === 'welcome') socket.send(JSON.stringify({ command: 'subscribe', identifier: channel }));
    if (message.type === 'confirm_subscription' && ++subscribed === 2) speak();
    if (message.message) {
      heard.push(`${name} heard ${message.message.text}`);
      if (heard.length === 2) finish();
    }
  });
  for (const event of ['close', 'error', 'unexpected-response']) socket.on(event, (...facts) => fail(name, event, facts));
  return socket;
});

function speak() {
  const data = JSON.stringify({ action: 'speak', text: 'grüße' });
  clients[1].send(JSON.stringify({ command: 'message', identifier: channel, data }));
}

function finish() {
  console.log(heard.sort().join('\n'));
  process.exit(0);
}

function fail(name, event, facts) {
  const [first, response] = facts;
  console.log(`${name}: ${event} ${response && response.statusCode ? response.statusCode : first}`);
  process.exit(1);
}
