'use strict';

const fs = require('node:fs');
const { DOMParser } = require('@xmldom/xmldom');
const xpath = require('xpath');
const express = require('express');

const router = express.Router();
const doc = new DOMParser().parseFromString(fs.readFileSync('/srv/data/contacts.xml', 'utf8'), 'text/xml');
const REGIONS = ['north', 'south', 'east', 'west'];

function toJson(nodes) {
  return nodes.map((node) => ({ id: node.getAttribute('id'), name: node.getAttribute('name') }));
}

function lookup(expression) {
  return toJson(xpath.select(expression, doc));
}

function signIn(req, res) {
  const { user, pin } = req.body;
  const found = xpath.select1("//contact[@login='" + user + "' and @pin='" + pin + "']", doc);
  res.json({ ok: Boolean(found) });
}

function confirmPin(req, res) {
  const { user, pin } = req.body;
  const found = xpath.parse('//contact[@login=$user and @pin=$pin]').select1({
    node: doc,
    variables: { user: String(user), pin: String(pin) },
  });
  res.json({ ok: Boolean(found) });
}

function byName(req, res) {
  const name = req.params.name;
  res.json(lookup(`//contact[contains(@name, "${name}")]`));
}

function byNumber(req, res) {
  const number = Number.parseInt(req.params.number, 10);
  res.json(lookup(`//contact[@id=${number}]`));
}

function byRegion(req, res) {
  const region = req.cookies.region;
  if (!REGIONS.includes(region)) {
    res.status(400).json({ error: 'region' });
    return;
  }
  res.json(lookup(`//contact[@region='${region}']`));
}

function byGroup(req, res) {
  const filters = Object.entries(req.query).map(([key, value]) => `@${key}='${value}'`);
  const nodes = xpath.select('//contact[' + filters.join(' and ') + ']', doc);
  res.json(toJson(nodes));
}

router.post('/sign-in', signIn);
router.post('/sign-in-bound', confirmPin);
router.get('/name/:name', byName);
router.get('/number/:number', byNumber);
router.get('/region', byRegion);
router.get('/group', byGroup);

module.exports = router;
