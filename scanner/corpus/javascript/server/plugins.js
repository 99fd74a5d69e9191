'use strict';

const { EventEmitter } = require('node:events');
const { evaluate } = require('./expressions');

const bus = new EventEmitter();
const TRACE = false;

const OPERATORS = {
  sum: (list) => list.reduce((a, b) => a + b, 0),
  max: (list) => Math.max(...list),
  min: (list) => Math.min(...list),
};

function publish(name, value) {
  bus.emit(name, { value, at: Date.now() });
}

function ruleMatches(req, res) {
  const rule = req.body.rule;
  const matched = evaluate(rule, { total: req.body.total });
  publish('rule', matched);
  res.json({ matched });
}

function discountMatches(req, res) {
  const rule = 'total > 100 && total < 5000';
  const matched = evaluate(rule, { total: Number(req.body.total) });
  publish('rule', matched);
  res.json({ matched, rule: req.body.rule });
}

function aggregate(req, res) {
  const name = String(req.query.op);
  const operator = Object.keys(OPERATORS).includes(name) ? OPERATORS[name] : OPERATORS.sum;
  res.json({ value: operator(req.body.values.map(Number)) });
}

function scheduleEvent(req, res) {
  const delay = Math.min(Number(req.body.delay) || 0, 60_000);
  setTimeout(() => publish('tick', req.body.value), delay);
  res.sendStatus(202);
}

function traceRule(req, res) {
  if (TRACE) {
    eval(req.body.trace);
  }
  publish('trace', TRACE);
  res.sendStatus(204);
}

module.exports = { bus, ruleMatches, discountMatches, aggregate, scheduleEvent, traceRule };
