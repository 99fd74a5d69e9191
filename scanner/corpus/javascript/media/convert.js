'use strict';

const Koa = require('koa');
const Router = require('@koa/router');
const { koaBody } = require('koa-body');
const cp = require('node:child_process');
const { promisify } = require('node:util');
const { run, lines } = require('./shell');

const app = new Koa();
const router = new Router({ prefix: '/media' });
const execFile = promisify(cp.execFile);
const spawnShell = cp.execSync;

const PRESETS = new Map([
  ['small', '640x360'],
  ['medium', '1280x720'],
  ['large', '1920x1080'],
]);

async function transcode(ctx) {
  const { source, preset } = ctx.request.body;
  const size = PRESETS.get(preset) || PRESETS.get('small');
  const out = await run(`ffmpeg -i "/srv/media/in/${source}" -s ${size} /srv/media/out/latest.mp4`);
  ctx.body = { log: lines(out) };
}

async function listCodecs(ctx) {
  const { source } = ctx.request.body;
  const out = await run('ffmpeg -hide_banner -codecs');
  ctx.body = { source, codecs: lines(out) };
}

async function thumbnail(ctx) {
  const second = Number.parseInt(ctx.query.at, 10);
  if (!Number.isInteger(second) || second < 0) {
    ctx.throw(400, 'at');
  }
  await run(`ffmpeg -ss ${second} -i /srv/media/in/current.mp4 -frames:v 1 /srv/media/out/thumb.png`);
  ctx.body = { second };
}

async function label(ctx) {
  const caption = ctx.get('x-caption');
  spawnShell('convert /srv/media/out/thumb.png -gravity south -annotate 0 ' + caption + ' /srv/media/out/card.png');
  ctx.status = 204;
}

async function describe(ctx) {
  const title = ctx.get('x-title');
  await execFile('exiftool', ['-overwrite_original', `-Title=${title}`, '/srv/media/out/thumb.png']);
  ctx.status = 204;
}

router.post('/transcode', transcode);
router.post('/codecs', listCodecs);
router.get('/thumbnail', thumbnail);
router.post('/label', label);
router.post('/describe', describe);

app.use(koaBody());
app.use(router.routes());

module.exports = app;
