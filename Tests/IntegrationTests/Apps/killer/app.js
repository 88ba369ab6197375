// As config.ru beside it.
const fs = require('fs');

const ends = {
  exit: () => process.exit(1),
  segv: () => process.kill(process.pid, 'SIGSEGV'),
  kill: () => process.kill(process.pid, 'SIGKILL'),
};

require('http').createServer((request, response) => {
  const url = new URL(request.url, 'http://app');
  if (url.pathname === '/die') {
    fs.appendFileSync('tmp/runs.txt', url.search.slice(1) + '\n');
    return ends[url.searchParams.get('how')]();
  }
  const answer = () => response.end(`pid: ${process.pid}\n`);
  return url.pathname === '/hang' ? setTimeout(answer, 1000 * url.searchParams.get('s')) : answer();
}).listen(3000);
