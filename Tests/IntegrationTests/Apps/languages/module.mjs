import http from 'http';
import facts from './facts.js';

await Promise.resolve();
process.on('SIGTERM', () => {
  facts.note('ended');
  process.exit();
});
http.createServer(facts.handler).listen(3000);
