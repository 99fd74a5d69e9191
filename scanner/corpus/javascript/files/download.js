'use strict';

const express = require('express');
const fs = require('node:fs');
const path = require('node:path');
const AdmZip = require('adm-zip');
const multer = require('multer');

const router = express.Router();
const upload = multer({ dest: '/srv/uploads' });
const ROOT = path.resolve('/srv/documents');

function contentType(name) {
  return name.endsWith('.pdf') ? 'application/pdf' : 'application/octet-stream';
}

function resolveInside(base, relative) {
  const full = path.resolve(base, relative);
  const offset = path.relative(base, full);
  if (offset.startsWith('..') || path.isAbsolute(offset)) {
    throw Object.assign(new Error('outside of folder'), { status: 403 });
  }
  return full;
}

function download(req, res) {
  const file = path.join(ROOT, req.query.file);
  res.type(contentType(file));
  fs.createReadStream(file).pipe(res);
}

function downloadFlat(req, res) {
  const file = path.join(ROOT, path.basename(String(req.query.file)));
  res.type(contentType(file));
  fs.createReadStream(file).pipe(res);
}

function downloadNested(req, res, next) {
  try {
    const file = resolveInside(ROOT, String(req.query.file));
    res.type(contentType(file));
    fs.createReadStream(file).pipe(res);
  } catch (err) {
    next(err);
  }
}

function unpack(req, res) {
  const zip = new AdmZip(req.file.path);
  const written = [];
  for (const entry of zip.getEntries()) {
    if (entry.isDirectory) continue;
    const target = path.join(ROOT, 'batch', entry.entryName);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, entry.getData());
    written.push(entry.entryName);
  }
  res.json({ written });
}

function unpackBatch(req, res) {
  const zip = new AdmZip(req.file.path);
  const base = path.join(ROOT, 'batch');
  const written = [];
  for (const entry of zip.getEntries()) {
    if (entry.isDirectory) continue;
    const target = path.join(base, entry.entryName);
    if (!target.startsWith(base + path.sep)) continue;
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, entry.getData());
    written.push(entry.entryName);
  }
  res.json({ written });
}

router.get('/download', download);
router.get('/flat', downloadFlat);
router.get('/nested', downloadNested);
router.post('/unpack', upload.single('archive'), unpack);
router.post('/unpack-batch', upload.single('archive'), unpackBatch);

module.exports = router;
