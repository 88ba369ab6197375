// The protocol of Action Cable, without its library.
'use strict';

const channel = JSON.stringify({ channel: 'ChatChannel' });
const socket = new WebSocket(location.origin.replace('http', 'ws') + '/cable', 'actioncable-v1-json');

socket.onmessage = ({ data }) => {
  const { type, message } = JSON.parse(data);
  if (type === 'welcome') socket.send(JSON.stringify({ command: 'subscribe', identifier: channel }));
  if (message) {
    const item = document.createElement('li');
    item.textContent = `${message.text} (process ${message.pid})`;
    document.getElementById('messages').append(item);
  }
};
document.getElementById('form').onsubmit = (event) => {
  event.preventDefault();
  const text = document.getElementById('text');
  const data = JSON.stringify({ action: 'speak', text: text.value });
  socket.send(JSON.stringify({ command: 'message', identifier: channel, data }));
  text.value = '';
};
