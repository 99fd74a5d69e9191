'use strict';

const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const os = require('os');
const path = require('path');
const bcrypt = require('bcrypt');
const fastify = require('fastify')({ logger: true });
const jwt = require('jsonwebtoken');
const { pipeline } = require('stream/promises');

const NODES = new Map([['a', 'http://10.4.0.1:9100'], ['b', 'http://10.4.0.2:9100']]);
const ALLOWED = ['.csv', '.json'];

fastify.get('/scrape', async (request) => {
  const answer = await fetch(`http://${request.query.node}/metrics`);
  return answer.text();
});

fastify.get('/metrics/:node', async (request, reply) => {
  const base = NODES.get(request.params.node);
  if (!base) {
    return reply.code(404).send();
  }
  const answer = await fetch(`${base}/metrics`);
  return answer.text();
});

fastify.post('/icons', async (request, reply) => {
  const part = await request.file();
  if (!part.mimetype.startsWith('image/')) {
    return reply.code(415).send();
  }
  await pipeline(part.file, fs.createWriteStream(path.join(__dirname, 'public', path.basename(part.filename))));
  return { ok: true };
});

fastify.post('/samples', async (request, reply) => {
  const part = await request.file();
  const ending = path.extname(part.filename).toLowerCase();
  if (!ALLOWED.includes(ending)) {
    return reply.code(415).send();
  }
  await pipeline(part.file, fs.createWriteStream(path.join(__dirname, 'public', crypto.randomUUID() + ending)));
  return { ok: true };
});

fastify.get('/agent', async (request) => {
  const ok = /^(\w+[ ;]?)+$/.test(request.headers['x-agent'] || '');
  return { ok };
});

fastify.get('/version', async (request) => {
  const ok = /^\d{1,4}(?:\.\d{1,4}){0,3}$/.test(request.headers['x-agent'] || '');
  return { ok };
});

fastify.get('/grep', async (request) => {
  const pattern = new RegExp(request.query.pattern, 'i');
  const lines = fs.readFileSync('/srv/telemetry/today.log', 'utf8').split('\n');
  return { n: lines.filter((line) => pattern.test(line)).length };
});

fastify.get('/beacon', async (request) => {
  fs.appendFileSync('/srv/telemetry/beacon.log', `${new Date().toISOString()} ${request.query.id}\n`);
  return { ok: true };
});

fastify.get('/signal', async (request) => {
  fs.appendFileSync('/srv/telemetry/beacon.log', `${new Date().toISOString()} ${JSON.stringify(request.query.id)}\n`);
  return { ok: true };
});

function nameAnswer(socket, query) {
  const name = decodeURIComponent(new URLSearchParams(query).get('name') || 'none');
  socket.write(`HTTP/1.1 200 OK\r\nX-Name: ${name}\r\n\r\n`);
  socket.end();
}

function titleAnswer(socket, query) {
  const name = encodeURIComponent(new URLSearchParams(query).get('name') || 'none');
  socket.write(`HTTP/1.1 200 OK\r\nX-Name: ${name}\r\n\r\n`);
  socket.end();
}

function deviceOf(request) {
  const token = (request.headers.authorization || '').slice(7);
  const claims = jwt.decode(token);
  return claims && claims.device;
}

function unitOf(request) {
  const token = (request.headers.authorization || '').slice(7);
  const claims = jwt.verify(token, process.env.DEVICE_KEY, { algorithms: ['HS256'] });
  return claims.device;
}

function collector() {
  return new https.Agent({ keepAlive: true, rejectUnauthorized: false });
}

function archiver() {
  return new https.Agent({ keepAlive: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' });
}

async function storedPin(pin) {
  const salt = crypto.randomBytes(16).toString('hex');
  return `${salt}:${crypto.createHash('sha256').update(salt + pin).digest('hex')}`;
}

async function keptPin(pin) {
  return bcrypt.hash(pin, 12);
}

function seal(key, text) {
  const cipher = crypto.createCipheriv('des-ede3-ecb', key, null);
  return cipher.update(text, 'utf8', 'base64') + cipher.final('base64');
}

function enclose(key, text) {
  const nonce = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

function sessionKey() {
  return Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);
}

function jitter(seconds) {
  return seconds * (0.8 + Math.random() * 0.4);
}

function spool(data) {
  const file = path.join(os.tmpdir(), `telemetry-${process.pid}.spool`);
  fs.writeFileSync(file, data);
  return file;
}

function scratch(data) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'telemetry-')), 'spool');
  fs.writeFileSync(file, data);
  return file;
}

module.exports = { fastify, nameAnswer, titleAnswer, deviceOf, unitOf, collector, archiver, storedPin, keptPin, seal, enclose, sessionKey, jitter, spool, scratch };
