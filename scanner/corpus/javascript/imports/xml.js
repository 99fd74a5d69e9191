'use strict';

const express = require('express');
const libxmljs = require('libxmljs2');
const libxml = libxmljs;
const { XMLParser } = require('fast-xml-parser');
const multer = require('multer');

const router = express.Router();
const upload = multer({ storage: multer.memoryStorage() });

const FEED_OPTIONS = { noent: true, noblanks: true, nonet: false };

function textOf(doc, expression) {
  const node = doc.get(expression);
  return node ? node.text() : null;
}

function parseDocument(text, options) {
  return libxmljs.parseXml(text, { noblanks: true, ...options });
}

function importOrder(req, res) {
  const doc = libxmljs.parseXml(req.body, { noent: true, dtdload: true });
  res.json({ number: textOf(doc, '//number'), customer: textOf(doc, '//customer') });
}

function importQuote(req, res) {
  const doc = libxmljs.parseXml(req.body, { noent: false, dtdload: false, nonet: true });
  res.json({ number: textOf(doc, '//number'), customer: textOf(doc, '//customer') });
}

function importFeed(req, res) {
  const doc = libxml.parseXmlString(req.file.buffer.toString('utf8'), FEED_OPTIONS);
  res.json({ title: textOf(doc, '/rss/channel/title') });
}

function importPodcast(req, res) {
  const parser = new XMLParser({ ignoreAttributes: false, processEntities: false });
  const doc = parser.parse(req.file.buffer.toString('utf8'));
  res.json({ title: doc.rss && doc.rss.channel ? doc.rss.channel.title : null });
}

function importCatalog(req, res) {
  const doc = parseDocument(req.body, { noent: true });
  res.json({ items: doc.find('//item').length });
}

function importPrices(req, res) {
  const doc = parseDocument(req.body, { nonet: true });
  res.json({ items: doc.find('//price').length });
}

router.post('/order', express.text({ type: '*/xml' }), importOrder);
router.post('/quote', express.text({ type: '*/xml' }), importQuote);
router.post('/feed', upload.single('feed'), importFeed);
router.post('/podcast', upload.single('feed'), importPodcast);
router.post('/catalog', express.text({ type: '*/xml' }), importCatalog);
router.post('/prices', express.text({ type: '*/xml' }), importPrices);

module.exports = router;
