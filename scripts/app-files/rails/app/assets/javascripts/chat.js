// The page of the chat: says what it receives in a list, and whether it is connected in an attribute of it.
document.addEventListener('DOMContentLoaded', function () {
  var list = document.getElementById('messages');
  if (!list) return;
  var form = document.getElementById('speak');
  var chat = ActionCable.createConsumer().subscriptions.create({ channel: 'ChatChannel', room: list.dataset.room }, {
    connected: function () { list.dataset.state = 'connected'; },
    disconnected: function () { list.dataset.state = 'disconnected'; },
    received: function (message) {
      var item = document.createElement('li');
      item.textContent = message.text;
      list.appendChild(item);
    }
  });
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    chat.perform('speak', { text: form.elements.text.value });
    form.reset();
  });
});
