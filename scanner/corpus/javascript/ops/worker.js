'use strict';

const amqp = require('amqplib');
const { exec, spawn } = require('node:child_process');
const path = require('node:path');

const QUEUE = process.env.OPS_QUEUE || 'ops.tasks';
const HOST_RE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function decode(message) {
  return JSON.parse(message.content.toString('utf8'));
}

function logExit(task, code) {
  console.log(JSON.stringify({ task, code, at: new Date().toISOString() }));
}

function rotateLogs(message) {
  const job = decode(message);
  const steps = [];
  steps.push('cd /var/log/apps');
  steps.push('gzip -9 ' + job.service + '.log');
  steps.push('touch rotated');
  exec(steps.join(' && '), (err) => logExit('rotate', err ? err.code : 0));
}

function drainNode(message) {
  const job = decode(message);
  if (typeof job.node !== 'string' || !HOST_RE.test(job.node)) {
    logExit('drain', 2);
    return;
  }
  exec('kubectl drain ' + job.node + ' --ignore-daemonsets', (err) => logExit('drain', err ? err.code : 0));
}

function backupVolume(message) {
  const job = decode(message);
  const child = spawn('tar', ['-czf', '/backup/volume.tgz', '--', 'vol-' + path.basename(String(job.volume))], {
    cwd: '/var/lib/volumes',
  });
  child.on('exit', (code) => logExit('backup', code));
}

function syncBucket(message) {
  const job = decode(message);
  const child = spawn(`aws s3 sync /srv/static s3://${job.bucket}`, { shell: true });
  child.on('exit', (code) => logExit('sync', code));
}

const handlers = { rotate: rotateLogs, drain: drainNode, backup: backupVolume, sync: syncBucket };

async function main() {
  const connection = await amqp.connect(process.env.AMQP_URL);
  const channel = await connection.createChannel();
  await channel.assertQueue(QUEUE, { durable: true });
  await channel.consume(QUEUE, (message) => {
    const handler = handlers[message.properties.type];
    if (handler) {
      handler(message);
    }
    channel.ack(message);
  });
}

module.exports = { main, handlers };
