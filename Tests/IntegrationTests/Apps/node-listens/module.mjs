import serve from './serve.js';
import { setTimeout as wait } from 'node:timers/promises';

await wait(10);
const server = serve.create();
await new Promise((done) => { server.listen(3000, done); });
serve.note(server)();
await wait(10);
