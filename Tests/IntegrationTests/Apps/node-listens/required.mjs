// Without the global, in an ES module.
import { createRequire } from 'node:module';
import serve from './serve.js';

createRequire(import.meta.url)('phusion_passenger').configure({ autoInstall: false });
const server = serve.create();
server.listen('/passenger', serve.note(server));
