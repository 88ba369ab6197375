'use strict';

// Node applications get the whole path: they put themselves at their prefix.
const express = require('express');

const prefix = process.env.PASSENGER_BASE_URI || '';
const pages = express.Router();

pages.get('/target', (request, response) => response.type('text/plain').send('arrived\n'));
pages.get('/redirect', (request, response) => response.redirect(`${prefix}/target`));
pages.get('/hello/:name', (request, response) => response.type('text/plain').send(`hello: ${request.params.name}\n`));
pages.use((request, response) => response.type('text/plain').send([
  `script name: ${request.baseUrl}`,
  `path info: ${request.path}`,
  `full path: ${request.originalUrl}`,
  `asset: ${prefix}/images/logo.txt`,
  `page: ${prefix}/target`,
  `variables: ${['RAILS_RELATIVE_URL_ROOT', 'RACK_BASE_URI', 'PASSENGER_BASE_URI'].map((n) => process.env[n] || '').join(',')}`,
  '',
].join('\n')));

express().use(prefix || '/', pages).listen(3000);
