'use strict';

const { exec } = require('node:child_process');

function run(command, options = {}) {
  return new Promise((resolve, reject) => {
    exec(command, { timeout: 60_000, ...options }, (error, stdout, stderr) => {
      if (error) {
        error.stderr = stderr;
        reject(error);
        return;
      }
      resolve(stdout);
    });
  });
}

function lines(text) {
  return text.split(/\r?\n/).filter((line) => line.length > 0);
}

module.exports = { run, lines };
