'use strict';

const mysql = require('mysql2');

async function loansOf(pool, reader) {
  const sql = "SELECT * FROM loan WHERE reader = '" + reader + "' AND returned IS NULL";
  const [rows] = await pool.query(sql);
  return rows;
}

async function returnsOf(pool, reader) {
  const sql = 'SELECT * FROM loan WHERE reader = ' + mysql.escape(String(reader)) + ' AND returned IS NOT NULL';
  const [rows] = await pool.query(sql);
  return rows;
}

async function counted(pool) {
  const [rows] = await pool.query('SELECT count(*) AS n FROM loan');
  return rows[0].n;
}

module.exports = { loansOf, returnsOf, counted };
