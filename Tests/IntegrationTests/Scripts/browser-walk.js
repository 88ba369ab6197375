// browser-walk.js URL: Chromium, without a window, walks through the Rails application at that address as somebody at a
// screen does: creates, fails a validation, edits, deletes an article, and talks over Action Cable from one page to another.
// Prints a line for each thing that was seen; fails with the page that it had before it when something does not come.
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const WebSocket = require('ws');

const application = process.argv[2];
const patience = 30000;

// The browser's end of the DevTools protocol: commands with answers, events by session.
class Browser {
  static async start() {
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'fp-browser.'));
    const program = spawn('chromium', [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-sync',
      '--disable-background-networking', '--disable-component-update', '--disable-background-timer-throttling',
      '--disable-renderer-backgrounding', '--no-proxy-server', '--remote-debugging-port=0', `--user-data-dir=${profile}`,
      'about:blank'
    ], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: profile } });
    const address = await new Promise((resolve, reject) => {
      let text = '';
      program.on('error', reject);
      program.on('exit', (code) => reject(new Error(`chromium ended with ${code}: ${text}`)));
      program.stderr.on('data', (bytes) => {
        text += bytes;
        const found = /DevTools listening on (ws:\S+)/.exec(text);
        if (found) resolve(found[1]);
      });
    });
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    return new Browser(program, profile, socket);
  }

  constructor(program, profile, socket) {
    Object.assign(this, { program, profile, socket, calls: new Map(), count: 0 });
    socket.on('message', (bytes) => this.received(JSON.parse(bytes)));
  }

  received({ id, result, error }) {
    const call = this.calls.get(id);
    this.calls.delete(id);
    if (call) error ? call.reject(new Error(error.message)) : call.resolve(result);
  }

  call(method, params = {}, sessionId = undefined) {
    const id = ++this.count;
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => this.calls.set(id, { resolve, reject }));
  }

  async page() {
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
    await this.call('Page.enable', {}, sessionId);
    return new Page(this, sessionId);
  }

  async close() {
    const ended = new Promise((resolve) => this.program.on('exit', resolve));
    // The answer may not come any more.
    this.call('Browser.close').catch(() => {});
    const killer = setTimeout(() => this.program.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(killer);
    fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Page {
  constructor(browser, session) {
    Object.assign(this, { browser, session });
  }

  async goTo(place) {
    const { errorText } = await this.browser.call('Page.navigate', { url: application + place }, this.session);
    if (errorText) throw new Error(`${place}: ${errorText}`);
  }

  async value(expression) {
    const { result, exceptionDetails } = await this.browser.call(
      'Runtime.evaluate', { expression, returnByValue: true, userGesture: true }, this.session);
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception.description}`);
    return result.value;
  }

  // Waits until an expression is true in a page that is complete; what is asked while one page replaces another may fail.
  async sees(what, expression) {
    const end = Date.now() + patience;
    while (!(await this.value(`document.readyState === 'complete' && !!(${expression})`).catch(() => false))) {
      if (Date.now() > end) throw new Error(`no ${what} in: ${await this.value('document.documentElement.outerHTML')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    console.log(what);
  }

  // Types into fields by their names and presses the button of the form.
  async fillIn(fields) {
    const texts = Object.entries(fields).map(([name, text]) =>
      `document.getElementsByName(${JSON.stringify(name)})[0].value = ${JSON.stringify(text)};`);
    await this.value(`${texts.join('')} document.querySelector('form input[type=submit], form button').click()`);
  }

  async click(text) {
    await this.value(`[...document.links].find((link) => link.textContent === ${JSON.stringify(text)}).click()`);
  }
}

const has = (text) => `document.body.textContent.includes(${JSON.stringify(text)})`;

async function scaffold(browser) {
  const page = await browser.page();
  await page.goTo('/articles');
  await page.sees('list', has('New Article'));
  await page.sees('background from an asset', "getComputedStyle(document.body).backgroundImage.includes('/assets/paper-')");
  await page.click('New Article');
  await page.sees('form', "document.getElementsByName('article[title]').length");
  await page.fillIn({ 'article[title]': '', 'article[body]': 'kept' });
  await page.sees('failed validation', `${has("Title can't be blank")} && ${has('kept')}`);
  await page.fillIn({ 'article[title]': 'Grüße' });
  await page.sees('created article', `${has('successfully created')} && ${has('Grüße')}`);
  await page.click('Edit');
  await page.sees('form with the article', "document.getElementsByName('article[title]')[0]?.value === 'Grüße'");
  await page.fillIn({ 'article[title]': 'Edited' });
  await page.sees('edited article', `${has('successfully updated')} && ${has('Edited')}`);
  await page.click('Back');
  await page.sees('article in the list', has('Edited'));
  await page.fillIn({});
  await page.sees('list without the article', `${has('successfully destroyed')} && !${has('Edited')}`);
}

async function chat(browser) {
  const pages = [await browser.page(), await browser.page()];
  for (const page of pages) await page.goTo('/chat?room=walk');
  for (const page of pages) await page.sees('connected page', "document.querySelector('#messages[data-state=connected]')");
  await pages[0].fillIn({ text: 'Is anybody there?' });
  for (const page of pages) await page.sees('question', has('Is anybody there?'));
  await pages[1].fillIn({ text: 'Yes, here.' });
  for (const page of pages) await page.sees('answer', has('Yes, here.'));
}

(async () => {
  const browser = await Browser.start();
  try {
    await scaffold(browser);
    await chat(browser);
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.log(error.message);
  process.exitCode = 1;
});
