'use strict';

const express = require('express');
const serialize = require('node-serialize');
const serializeToJs = require('serialize-to-js');
const yaml = require('js-yaml');
const funcster = require('funcster');
const { createClient } = require('redis');

const router = express.Router();
const redis = createClient({ url: process.env.REDIS_URL });

function unwrap(raw) {
  return Buffer.from(raw, 'base64').toString('utf8');
}

function revive(text) {
  return serialize.unserialize(text);
}

function restoreCart(req, res) {
  const cart = revive(unwrap(req.cookies.cart));
  res.json({ count: cart.items.length });
}

function restoreWishlist(req, res) {
  const wishlist = JSON.parse(unwrap(req.cookies.wishlist));
  res.json({ count: wishlist.items.length });
}

function restoreDefaults(req, res) {
  const cart = revive('{"items":[],"currency":"EUR"}');
  res.json({ count: cart.items.length, previous: unwrap(req.cookies.cart).length });
}

function importSettings(req, res) {
  const settings = serializeToJs.deserialize(req.body.settings);
  res.json({ keys: Object.keys(settings) });
}

function importPreferences(req, res) {
  const settings = yaml.load(req.body.settings, { schema: yaml.JSON_SCHEMA });
  res.json({ keys: Object.keys(settings) });
}

async function loadMacros(req, res) {
  const stored = req.get('x-macros');
  const parsed = JSON.parse(stored);
  const macros = funcster.deepDeserialize(parsed);
  res.json({ names: Object.keys(macros) });
}

async function exportState(req, res) {
  const state = { items: req.body.items, savedAt: Date.now() };
  await redis.set('state:' + req.user.id, serialize.serialize(state));
  res.sendStatus(204);
}

router.get('/cart', restoreCart);
router.get('/wishlist', restoreWishlist);
router.get('/defaults', restoreDefaults);
router.post('/settings', importSettings);
router.post('/preferences', importPreferences);
router.post('/macros', loadMacros);
router.post('/export', exportState);

module.exports = router;
