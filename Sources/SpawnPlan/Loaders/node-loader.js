// SPDX-License-Identifier: MIT
//
// Loads a Node application and serves it. Handshake steps, reported on descriptor 4:
//   loader    settings are read (NAME VALUE lines up to "start")
//   load-app  the startup file is loaded, by require or, for ES modules, by import
//   listen    its first HTTP server that listens is put on descriptor 3 (bound and listening already)
// and "ready concurrency=0". End of file on descriptor 4 means: stop.
//
// This file is in the syntax of the first versions of Node, so that every one reaches the check of its version.
'use strict';

var OLDEST_NODE = 16;

function refuse() {
  [
    'error category configuration',
    'error kind interpreter-unsupported',
    'error summary the interpreter is Node ' + process.versions.node + ' (' + process.execPath + '), but Node ' +
      OLDEST_NODE + ' or newer is needed',
    'error remedy Set passenger_nodejs to the path of a Node that is ' + OLDEST_NODE + ' or newer (node --version ' +
      'shows its version).',
    'step loader failed'
  ].forEach(function (line) {
    var bytes = new Buffer(line + '\n');
    require('fs').writeSync(4, bytes, 0, bytes.length, null);
  });
  process.exit(1);
}

if (parseInt(process.versions.node, 10) < OLDEST_NODE) {
  refuse();
}

require('./node-application.js').start();
