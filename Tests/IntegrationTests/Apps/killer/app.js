// As config.ru beside it.
const fs = require('fs');

function starve() {
  const pages = fs.readFileSync('/proc/self/statm', 'latin1').split(' ')[0];
  const limit = pages * 4096 + 32 * 1024 * 1024;
  require('child_process').spawnSync('prlimit', ['--pid', process.pid, `--as=${limit}`]);
  for (const all = []; ;) all.push(new Array(1000000).fill(0));
}

const ends = {
  exit: () => process.exit(1),
  segv: () => process.kill(process.pid, 'SIGSEGV'),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  memory: starve,
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
