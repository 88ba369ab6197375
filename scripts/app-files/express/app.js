'use strict';

// A notice board: signed sessions, streamed uploads, files with ranges, server-sent events and a WebSocket.
const crypto = require('crypto');
const events = require('events');
const express = require('express');
const fs = require('fs');
const path = require('path');
const { pipeline } = require('stream');
const cookie = require('cookie');
const signature = require('cookie-signature');
const { WebSocketServer } = require('ws');

// Node gets the whole path: below a prefix, the board puts itself there.
const prefix = process.env.PASSENGER_BASE_URI || '';
const files = path.join(__dirname, 'files');
const secret = fs.readFileSync(path.join(__dirname, 'secret'), 'utf8');
const notices = [];
const news = new events.EventEmitter();

// The session is a signed cookie; Debian has no express-session.
function session(request, response, next) {
  const sent = cookie.parse(request.headers.cookie || '').board || '';
  const text = signature.unsign(sent, secret);
  request.session = text ? JSON.parse(text) : { visits: 0 };
  response.saveSession = () => response.cookie('board', signature.sign(JSON.stringify(request.session), secret), {
    httpOnly: true, secure: request.secure, path: prefix || '/',
  });
  next();
}

const board = express.Router();
board.use(session, express.urlencoded({ extended: false }), express.json());

board.get('/', (request, response) => {
  request.session.visits += 1;
  response.saveSession();
  response.json({ visits: request.session.visits, notices });
});

board.post('/notices', (request, response) => {
  if (!request.body.text) return response.status(422).json({ error: 'text is missing' });
  notices.push(request.body.text);
  news.emit('notice', request.body.text);
  response.redirect(303, `${request.baseUrl}/`);
});

board.put('/files/:name', (request, response, next) => {
  const target = path.join(files, path.basename(request.params.name));
  const digest = crypto.createHash('sha256');
  request.on('data', (part) => digest.update(part));
  pipeline(request, fs.createWriteStream(target), (error) => {
    if (error) return next(error);
    response.status(201).json({ size: fs.statSync(target).size, sha256: digest.digest('hex') });
  });
});

board.get('/files/:name', (request, response, next) => {
  response.sendFile(path.basename(request.params.name), { root: files }, (error) => error && next(error));
});

board.get('/facts', (request, response) => response.json({
  path: request.path,
  prefix: request.baseUrl,
  secure: request.secure,
  client: request.ip,
  link: `${request.protocol}://${request.get('host')}${request.baseUrl}/`,
  pid: process.pid,
}));

// What the application is told about where the request came from.
board.get('/headers', (request, response) => {
  const names = Object.keys(request.headers).filter((name) => /forwarded|real-ip/.test(name));
  response.json(names.sort().map((name) => `${name}=${request.headers[name]}`).join(' '));
});

board.get('/events', (request, response) => {
  response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.write(': welcome\n\n');
  const send = (text) => response.write(`data: ${text}\n\n`);
  news.on('notice', send);
  response.on('close', () => {
    news.off('notice', send);
    console.log('a listener left');
  });
});

board.get('/fail', () => {
  throw new Error('this page always fails');
});

board.get('/fail-later', async (request, response, next) => {
  await new Promise(setImmediate);
  next(new Error('this page fails a moment later'));
});

const app = express();
// The front is on the loopback address, as far as the application can see.
app.set('trust proxy', 'loopback');
app.use((request, response, next) => {
  if (process.env.BOARD_ONLY_HTTPS && !request.secure) {
    return response.redirect(`https://${request.get('host')}${request.originalUrl}`);
  }
  next();
});
app.use(prefix || '/', board);

const server = app.listen(3000);
const sockets = new WebSocketServer({ server, path: `${prefix}/chat` });
sockets.on('connection', (socket, request) => {
  socket.send(`welcome at ${request.url}`);
  socket.on('message', (data, isBinary) => {
    for (const other of sockets.clients) other.send(isBinary ? data : `said: ${data}`);
  });
});
