'use strict';

const express = require('express');
const _ = require('lodash');
const { deepMerge, mergeConfig, setPath } = require('./objects');

const router = express.Router();
const defaults = { theme: { color: 'blue', density: 'normal' }, locale: 'en' };

function clone(value) {
  return JSON.parse(JSON.stringify(value));
}

function savePreferences(req, res) {
  const merged = deepMerge(clone(defaults), req.body);
  req.store.save(req.user.id, merged);
  res.json(merged);
}

function mergePreferences(req, res) {
  const merged = mergeConfig(clone(defaults), req.body);
  req.store.save(req.user.id, merged);
  res.json(merged);
}

function setPreference(req, res) {
  const settings = clone(defaults);
  setPath(settings, req.body.path, req.body.value);
  req.store.save(req.user.id, settings);
  res.json(settings);
}

function setColor(req, res) {
  const settings = clone(defaults);
  setPath(settings, 'theme.color', req.body.value);
  req.store.save(req.user.id, settings);
  res.json(settings);
}

function countByTag(req, res) {
  const counts = new Map();
  for (const tag of req.body.tags) {
    counts.set(tag, (counts.get(tag) || 0) + 1);
  }
  res.json(_.sortBy([...counts.entries()], 1));
}

function tagMatrix(req, res) {
  const matrix = {};
  for (const { group, tag, weight } of req.body.tags) {
    matrix[group] = matrix[group] || {};
    matrix[group][tag] = weight;
  }
  res.json(matrix);
}

function tagTable(req, res) {
  const matrix = Object.create(null);
  for (const { group, tag, weight } of req.body.tags) {
    matrix[group] = matrix[group] || Object.create(null);
    matrix[group][tag] = weight;
  }
  res.json(matrix);
}

router.put('/preferences', savePreferences);
router.patch('/preferences', mergePreferences);
router.post('/preference', setPreference);
router.post('/color', setColor);
router.post('/tags', countByTag);
router.post('/matrix', tagMatrix);
router.post('/table', tagTable);

module.exports = router;
