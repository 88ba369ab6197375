// SPDX-License-Identifier: MIT
//
// Why a Node application could not be loaded, for whoever operates it: a kind, one sentence, and what to do.
//
// A remedy is a sentence, and perhaps a command: its name, and the part that goes into it. The daemon makes the command line
// (LoaderCommand.swift): what an application says could be typed by root.
'use strict';

const childProcess = require('child_process');
const fs = require('fs');
const path = require('path');
const url = require('url');

function failure(kind, summary, remedies, detail, category) {
  return { category: category || 'app', kind, summary, remedies, detail: detail || '' };
}

// A sentence before a command ends with a colon.
function advice(sentence, ...command) {
  return { sentence, command };
}

exports.error = function explain(error, settings) {
  const context = { settings, error, place: placeOf(error, settings), detail: described(error) };
  const code = error && error.code;
  if (code === 'ERR_FLYING_PASSENGER') return misuse(context);
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') return missingModule(context);
  if (error instanceof SyntaxError || (error && error.name === 'SyntaxError')) return syntaxError(context);
  if (code === 'EACCES' || code === 'EPERM') return permissionDenied(context);
  if (code === 'ENOMEM' || /allocation failed|out of memory/i.test(messageOf(error))) return outOfMemory(context);
  return exception(context);
};

exports.ended = function ended(code) {
  return failure('early-exit', 'the application ended itself (exit code ' + code + ') before it listened',
    [advice('Look at what it printed before, and see why it calls process.exit while it is loaded.')]);
};

// `isLoading`: the startup file is an ES module that has not come to its end.
exports.neverListened = function neverListened(settings, strangers, isLoading) {
  if (isLoading) {
    return failure('early-exit', settings.startup_file + ' waits for ever: nothing that is open can settle what it awaits ' +
      'at its top level', [advice('Look for an await in ' + settings.startup_file + ', or in a module that it imports, on a ' +
      'promise that nobody resolves.')]);
  }
  const others = Array.from(strangers);
  return failure('configuration',
    settings.startup_file + ' has been loaded to its end and nothing listens: no HTTP server called listen(), and ' +
      'nothing keeps the application alive' + (others.length ? ' (only ' + others.join(', ') + ' listened)' : ''),
    [advice('End ' + settings.startup_file + ' with the server\'s listen(); the port does not matter, for example: ' +
      'app.listen(3000).'),
    advice('If another file starts the server, name it:', 'startup-file')]);
};

function misuse(context) {
  const { error, place, detail } = context;
  return failure('configuration', messageOf({ message: error.summary }) + (place ? ' (' + place + ')' : ''),
    [advice(messageOf({ message: error.remedy }))], detail);
}

function exception(context) {
  const name = context.error && context.error.name ? context.error.name : typeof context.error;
  const place = context.place;
  return failure('exception',
    'the application raised ' + name + ': ' + firstLine(messageOf(context.error)) + (place ? ' (' + place + ')' : ''),
    place ? [advice('Look at ' + place + ' and at the lines of the stack below it.')] : [], context.detail);
}

function syntaxError(context) {
  const { error, settings } = context;
  const what = firstLine(messageOf(error));
  // The first line of the stack names the file that could not be read, where there is one.
  const match = placeIn(context.detail) || (framesOf(error).length === 0 && checked(settings));
  if (!match) return exception(context);
  const file = short(match[1], settings);
  const place = file + ':' + match[2];
  const remedies = [
    advice('Correct line ' + match[2] + ' of ' + file + ', or a line above it, then check it with:', 'check', file),
  ];
  if (/import statement outside a module|Unexpected token 'export'|Unexpected token export/.test(what)) {
    remedies[0] = advice('The file is an ES module, but not marked as one: add "type": "module" to package.json, or ' +
      'name it .mjs (with passenger_app_type node and passenger_startup_file).');
  }
  // Every file can be read: `node --check` would find nothing.
  if (/does not provide an export named/.test(what)) {
    remedies[0] = advice('Look at the import in line ' + match[2] + ' of ' + file + ': the name may be wrong, or the module of ' +
      'another version.');
  }
  remedies.push(advice('The interpreter is Node ' + process.versions.node + '; if the code is for a newer one, set ' +
    'passenger_nodejs.'));
  return failure('syntax-error', 'syntax error: ' + what + ' (' + place + ')', remedies, context.detail);
}

function placeIn(text) {
  return /^(?:file:\/\/)?(\/.*?):(\d+)$/m.exec(text);
}

// Errors of ES modules do not say where they are; another look at the startup file does.
function checked(settings) {
  const child = childProcess.spawnSync(process.execPath, ['--check', path.resolve(settings.startup_file)],
    { encoding: 'utf8', timeout: 5000 });
  return placeIn(child.stderr || '');
}

function outOfMemory(context) {
  return failure('out-of-memory',
    'there was not enough memory to load the application (' + firstLine(messageOf(context.error)) + ')',
    [advice('Look at the memory limits of the process; run fewer processes (--max-pool-size), or raise the limit. ' +
      'What the machine has:', 'memory')], context.detail, 'operating-system');
}

function permissionDenied(context) {
  const file = context.error.path;
  const entered = file && closedDirectory(file);
  const written = file && !entered && directoryOfMissing(file);
  const closed = entered || written || file;
  const who = userName();
  return failure('permission-denied',
    'the application may not use ' + (file || 'what it needs: ' + firstLine(messageOf(context.error))) +
      ', because it runs as ' + who + (entered && entered !== file ? ', who may not enter ' + entered : '') +
      (written ? ', who may not write in ' + written : ''),
    !closed ? [] :
      [advice('Let the user ' + who + ' use it, or let the application run as another user. Whose it is:', 'list',
        path.resolve(closed))],
    context.detail, 'file-system');
}

// Where the file was to be made; null if it is there.
function directoryOfMissing(file) {
  try {
    fs.lstatSync(file);
    return null;
  } catch (error) {
    return path.dirname(path.resolve(file));
  }
}

// MARK: Modules

function missingModule(context) {
  const { error, settings } = context;
  const message = messageOf(error);
  const match = /Cannot find (?:module|package) '([^']+)'/.exec(message);
  const name = match ? match[1] : '';
  const stack = error.requireStack || [];
  const importer = stack.length ? stack[0] : (/ imported from (.+)$/m.exec(message) || [])[1];
  const from = context.place || (importer ? short(importer, settings) : '');
  const wanted = from ? ', which ' + from + ' requires,' : '';
  if (name.startsWith('.') || name.startsWith('/') || name.startsWith('file:')) {
    const full = name.startsWith('.') && importer ? path.resolve(path.dirname(importer), name) : name;
    return failure('missing-module', 'the file ' + short(full, settings) + wanted + ' does not exist',
      [advice('Look whether it was deployed, and whether upper and lower case are right.')], context.detail);
  }
  const top = name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/');
  return failure('missing-module',
    'the Node module ' + name + wanted + ' is not installed for this application',
    moduleRemedies(top), context.detail);
}

function moduleRemedies(name) {
  const remedies = [];
  const closed = (process.env.NODE_PATH || '').split(':').concat('node_modules').filter(Boolean)
    .map((folder) => closedDirectory(path.resolve(folder))).filter(Boolean)[0];
  if (closed) {
    remedies.push(advice('Modules below ' + closed + ' cannot be seen: ' + userName() + ' may not enter it. Make it ' +
      'accessible, or install them elsewhere.'));
  }
  if (isListed(name)) {
    remedies.push(advice('Install what package.json lists:', 'npm-install'));
  } else {
    remedies.push(advice('Install it below the application:', 'npm-install', name));
  }
  if (fs.existsSync('/usr/share/nodejs/' + name)) {
    remedies.push(advice('Debian\'s package of it is installed, in /usr/share/nodejs, where Node does not look by ' +
      'itself:', 'node-path', '/usr/share/nodejs'));
  }
  return remedies;
}

function isListed(name) {
  try {
    const listed = JSON.parse(fs.readFileSync('package.json', 'utf8'));
    return [listed.dependencies, listed.optionalDependencies].some((table) => table && name in table);
  } catch (error) {
    return false; // there is none, or none that can be read
  }
}

// MARK: Words

function messageOf(error) {
  try {
    return String(error && error.message !== undefined ? error.message : error);
  } catch (second) {
    return 'without a message';
  }
}

function firstLine(text) {
  return text.split('\n')[0].slice(0, 300) || 'without a message';
}

function userName() {
  return process.env.USER || 'this user';
}

function short(file, settings) {
  const plain = file.startsWith('file:') ? url.fileURLToPath(file) : file;
  for (const root of [process.cwd() + '/', settings.app_root + '/']) {
    if (plain.startsWith(root)) return plain.slice(root.length);
  }
  return plain;
}

function framesOf(error) {
  const stack = error && typeof error.stack === 'string' ? error.stack : '';
  return stack.split('\n').filter((line) => /^\s+at /.test(line) && isForeign(line));
}

function isForeign(line) {
  return !line.includes(__dirname + '/') && !/\(?(node:|internal\/)/.test(line);
}

// The innermost line of the application itself, else of whatever was under way.
function placeOf(error, settings) {
  const places = framesOf(error)
    .map((line) => /(?:\(|at )(?:file:\/\/)?(\/[^()]*?):(\d+):\d+\)?$/.exec(line)).filter(Boolean)
    .map((match) => short(match[1], settings) + ':' + match[2]);
  return places.find((place) => !place.startsWith('/') && !place.includes('node_modules/')) || places[0] || '';
}

// The stack without lines of Node and of ours; the text above it, which shows the line of a syntax error, stays.
function described(error, depth = 0) {
  const stack = error && typeof error.stack === 'string' ? error.stack : messageOf(error);
  const lines = stack.split('\n').filter((line) => !/^\s+at /.test(line) || isForeign(line));
  // A cause may be its own.
  const hasCause = error && error.cause !== undefined && depth < 5;
  const cause = hasCause ? '\nCaused by: ' + described(error.cause, depth + 1) : '';
  return lines.join('\n').trim() + cause;
}

// The first directory on the way that exists and may not be entered, if there is one.
function closedDirectory(file) {
  let folder = '/';
  for (const part of path.resolve(file).split('/').filter(Boolean)) {
    folder = path.join(folder, part);
    try {
      if (!fs.statSync(folder).isDirectory()) return null;
    } catch (error) {
      return null;
    }
    try {
      fs.accessSync(folder, fs.constants.X_OK);
    } catch (error) {
      return folder;
    }
  }
  return null;
}
