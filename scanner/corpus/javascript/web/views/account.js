'use strict';

const http = require('node:http');
const { URL } = require('node:url');
const { esc, reply } = require('./html');

const SHOW_RAW = 1 > 2;

function params(req) {
  return new URL(req.url, 'http://localhost').searchParams;
}

function overview(req, res) {
  const nick = params(req).get('nick');
  reply(res, 'Account', `<h1>Hello ${nick}</h1>`);
}

function overviewCard(req, res) {
  const nick = params(req).get('nick');
  reply(res, 'Account', `<h1>Hello ${esc(nick)}</h1>`);
}

function titled(req, res) {
  const nick = params(req).get('nick');
  reply(res, `Account of ${nick}`, '<h1>Hello</h1>');
}

function raw(req, res) {
  const nick = params(req).get('nick');
  let body = '<h1>Hello</h1>';
  if (SHOW_RAW) {
    body = `<h1>Hello ${nick}</h1>`;
  }
  reply(res, 'Account', body);
}

function badges(req, res) {
  const items = [];
  for (const badge of params(req).getAll('badge')) {
    items.push(`<li class="${badge}">${esc(badge)}</li>`);
  }
  reply(res, 'Badges', `<ul>${items.join('')}</ul>`);
}

const routes = new Map([
  ['/', overview],
  ['/plain', overviewCard],
  ['/titled', titled],
  ['/raw', raw],
  ['/badges', badges],
]);

module.exports = http.createServer((req, res) => {
  const route = routes.get(req.url.split('?')[0]);
  if (route) {
    route(req, res);
  } else {
    reply(res, 'Not found', '<p>No such page</p>', 404);
  }
});
