'use strict';

const cache = new Map();

function evaluate(expression, scope) {
  const names = Object.keys(scope);
  const key = names.join(',') + '|' + expression;
  if (!cache.has(key)) {
    cache.set(key, new Function(...names, `return (${expression});`));
  }
  return cache.get(key)(...names.map((name) => scope[name]));
}

function forget() {
  cache.clear();
}

module.exports = { evaluate, forget };
