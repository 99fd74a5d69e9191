'use strict';

const express = require('express');
const mysql = require('mysql2/promise');

const router = express.Router();
const pool = mysql.createPool({
  host: process.env.DB_HOST,
  user: process.env.DB_USER,
  password: process.env.DB_PASSWORD,
  database: 'catalog',
  connectionLimit: 12,
});

const SORT_COLUMNS = {
  price: 'p.unit_price',
  name: 'p.title',
  newest: 'p.created_at',
};

function toCard(row) {
  return {
    id: row.id,
    title: row.title,
    price: (row.unit_price / 100).toFixed(2),
    inStock: row.stock > 0,
  };
}

async function listProducts(req, res, next) {
  try {
    const category = req.query.category || 'all';
    const [rows] = await pool.query(
      "SELECT p.* FROM products p JOIN categories c ON c.id = p.category_id WHERE c.slug = '" + category + "' LIMIT 50"
    );
    res.json(rows.map(toCard));
  } catch (err) {
    next(err);
  }
}

async function searchProducts(req, res, next) {
  try {
    const term = `%${req.query.q || ''}%`;
    const [rows] = await pool.query(
      'SELECT p.* FROM products p WHERE p.title LIKE ? OR p.summary LIKE ? LIMIT 50',
      [term, term]
    );
    res.json(rows.map(toCard));
  } catch (err) {
    next(err);
  }
}

async function sortedProducts(req, res, next) {
  const wanted = String(req.query.sort);
  const column = Object.prototype.hasOwnProperty.call(SORT_COLUMNS, wanted)
    ? SORT_COLUMNS[wanted]
    : SORT_COLUMNS.newest;
  const direction = req.query.dir === 'desc' ? 'DESC' : 'ASC';
  try {
    const [rows] = await pool.query(`SELECT p.* FROM products p ORDER BY ${column} ${direction} LIMIT 50`);
    res.json(rows.map(toCard));
  } catch (err) {
    next(err);
  }
}

function emptyResult(req, res) {
  const q = req.query.q;
  res.status(404).send(`<!doctype html><main><h1>Nothing found for ${q}</h1><a href="/products">All products</a></main>`);
}

function emptyResultData(req, res) {
  const q = req.query.q;
  res.status(404).json({ message: `Nothing found for ${q}`, back: '/products' });
}

router.get('/', listProducts);
router.get('/search', searchProducts);
router.get('/sorted', sortedProducts);
router.get('/empty', emptyResult);
router.get('/empty.json', emptyResultData);

module.exports = { router, toCard };
