'use strict';

const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

function isPlain(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function deepMerge(target, source) {
  for (const key in source) {
    if (isPlain(source[key]) && isPlain(target[key])) {
      deepMerge(target[key], source[key]);
    } else {
      target[key] = source[key];
    }
  }
  return target;
}

function mergeConfig(target, source) {
  for (const key of Object.keys(source)) {
    if (RESERVED.has(key)) continue;
    if (isPlain(source[key]) && isPlain(target[key])) {
      mergeConfig(target[key], source[key]);
    } else {
      target[key] = source[key];
    }
  }
  return target;
}

function setPath(root, dotted, value) {
  const keys = dotted.split('.');
  let node = root;
  while (keys.length > 1) {
    const key = keys.shift();
    if (node[key] === undefined) {
      node[key] = {};
    }
    node = node[key];
  }
  node[keys[0]] = value;
  return root;
}

module.exports = { isPlain, deepMerge, mergeConfig, setPath };
