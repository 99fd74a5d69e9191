'use strict';

const express = require('express');
const http = require('node:http');
const https = require('node:https');
const fetch = require('node-fetch');

const router = express.Router();
const ALLOWED_HOSTS = ['hooks.example.com', 'events.example.net'];

function payload(kind, body) {
  return JSON.stringify({ kind, at: Date.now(), body });
}

function deliver(req, res) {
  const { callbacks } = req.body;
  const jobs = [];
  for (const callback of callbacks) {
    jobs.push(fetch(callback.url, { method: 'POST', body: payload('order', callback.id) }));
  }
  Promise.all(jobs).then((answers) => res.json(answers.map((answer) => answer.status)));
}

function deliverAll(req, res) {
  const { callbacks } = req.body;
  const jobs = [];
  for (const callback of callbacks) {
    const url = new URL(callback.url);
    if (url.protocol !== 'https:' || !ALLOWED_HOSTS.includes(url.hostname)) {
      continue;
    }
    jobs.push(fetch(url.href, { method: 'POST', redirect: 'error', body: payload('order', callback.id) }));
  }
  Promise.all(jobs).then((answers) => res.json(answers.map((answer) => answer.status)));
}

function reportLogin(user, password, done) {
  const call = http.request('http://identity.example.com/v1/session', { method: 'POST' }, (answer) => {
    answer.resume();
    answer.on('end', () => done(answer.statusCode));
  });
  call.end(JSON.stringify({ user, password }));
}

function reportSession(user, password, done) {
  const call = https.request('https://identity.example.com/v1/session', { method: 'POST' }, (answer) => {
    answer.resume();
    answer.on('end', () => done(answer.statusCode));
  });
  call.end(JSON.stringify({ user, password }));
}

router.post('/deliver', deliver);
router.post('/deliver-listed', deliverAll);

module.exports = { router, reportLogin, reportSession };
