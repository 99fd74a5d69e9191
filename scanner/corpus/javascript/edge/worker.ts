import { Hono } from 'hono';
import type { Context } from 'hono';
import { Client } from 'pg';

const app = new Hono();

async function query<T>(text: string, values: unknown[] = []): Promise<T[]> {
  const client = new Client(process.env.DATABASE_URL);
  await client.connect();
  try {
    return (await client.query(text, values)).rows as T[];
  } finally {
    await client.end();
  }
}

async function fetchText(address: string): Promise<string> {
  const upstream = await fetch(address, { redirect: 'manual' });
  return upstream.text();
}

const load = fetchText;

export async function orders(c: Context) {
  const status = c.req.query('status') ?? 'open';
  const rows = await query<{ id: number }>(`SELECT id FROM orders WHERE status = '${status}'`);
  return c.json(rows.map((row) => row.id));
}

export async function ordersByStatus(c: Context) {
  const status = c.req.query('status') ?? 'open';
  const rows = await query<{ id: number }>('SELECT id FROM orders WHERE status = $1', [status]);
  return c.json(rows.map((row) => row.id));
}

export async function mirror(c: Context) {
  const { source } = await c.req.json<{ source: string }>();
  const text = await load(source);
  return c.text(text.slice(0, 2000));
}

export async function robots(c: Context) {
  const { source } = await c.req.json<{ source: string }>();
  const text = await load('https://www.example.com/robots.txt');
  return c.json({ source, lines: text.split('\n').length });
}

export function notice(c: Context) {
  const message = c.req.query('message') ?? '';
  return c.html('<p class="notice">' + message + '</p>');
}

export function noticeText(c: Context) {
  const message = c.req.query('message') ?? '';
  return c.text('Notice: ' + message);
}

app.get('/orders', orders);
app.get('/orders/by-status', ordersByStatus);
app.post('/mirror', mirror);
app.post('/robots', robots);
app.get('/notice', notice);
app.get('/notice.txt', noticeText);

export default app;
