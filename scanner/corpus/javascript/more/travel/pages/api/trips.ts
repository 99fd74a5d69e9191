import type { NextApiRequest, NextApiResponse } from 'next';
import axios from 'axios';
import mongoose from 'mongoose';
import { QueryTypes, Sequelize, literal } from 'sequelize';
import { z } from 'zod';
import { Trip, User } from '../../models';

const sequelize = new Sequelize(process.env.TRAVEL_DB as string);
const Order = z.enum(['start', 'price']);
const Login = z.object({ mail: z.string().email(), pin: z.string() });
const AIRLINES: Record<string, string> = { north: 'https://north.example.com', south: 'https://south.example.com' };

export async function byCountry(req: NextApiRequest, res: NextApiResponse) {
  const country = req.query.country as string;
  const trips = await sequelize.query(`SELECT * FROM trip WHERE country = '${country}'`, { type: QueryTypes.SELECT });
  res.status(200).json(trips);
}

export async function byCity(req: NextApiRequest, res: NextApiResponse) {
  const city = req.query.city as string;
  const trips = await sequelize.query('SELECT * FROM trip WHERE city = :city', { replacements: { city }, type: QueryTypes.SELECT });
  res.status(200).json(trips);
}

export async function ordered(req: NextApiRequest, res: NextApiResponse) {
  const order = String(req.query.order ?? 'start');
  res.status(200).json(await Trip.findAll({ order: [[literal(order), 'ASC']], limit: 20 }));
}

export async function sorted(req: NextApiRequest, res: NextApiResponse) {
  const order = Order.parse(req.query.order);
  res.status(200).json(await Trip.findAll({ order: [[literal(order), 'ASC']], limit: 20 }));
}

export async function login(req: NextApiRequest, res: NextApiResponse) {
  const mail = req.body.mail as string;
  const pin = req.body.pin as string;
  const user = await mongoose.connection.collection('users').findOne({ mail, pin });
  res.status(user ? 200 : 401).json({ ok: Boolean(user) });
}

export async function signin(req: NextApiRequest, res: NextApiResponse) {
  const { mail, pin } = Login.parse(req.body);
  const user = await mongoose.connection.collection('users').findOne({ mail, pin });
  res.status(user ? 200 : 401).json({ ok: Boolean(user) });
}

export async function quote(req: NextApiRequest, res: NextApiResponse) {
  const url = String(req.query.url);
  if (!url.includes('north.example.com')) {
    res.status(400).end();
    return;
  }
  const answer = await axios.get(url);
  res.status(200).json(answer.data);
}

export async function offer(req: NextApiRequest, res: NextApiResponse) {
  const url = new URL(String(req.query.url));
  if (!Object.values(AIRLINES).includes(url.origin)) {
    res.status(400).end();
    return;
  }
  const answer = await axios.get(url.href, { maxRedirects: 0 });
  res.status(200).json(answer.data);
}

export async function outbound(req: NextApiRequest, res: NextApiResponse) {
  const to = Array.isArray(req.query.to) ? req.query.to[0] : req.query.to;
  res.redirect(307, to ?? '/');
}

export async function airline(req: NextApiRequest, res: NextApiResponse) {
  const table = new Map(Object.entries(AIRLINES));
  res.redirect(307, table.get(String(req.query.to)) ?? '/');
}

export async function badge(req: NextApiRequest, res: NextApiResponse) {
  res.setHeader('Content-Type', 'text/html');
  res.send(`<span class="badge">${req.query.label}</span>`);
}

export async function mark(req: NextApiRequest, res: NextApiResponse) {
  let label = String(req.query.label);
  label = label.length > 5 ? 'long' : 'short';
  res.setHeader('Content-Type', 'text/html');
  res.send(`<span class="badge">${label}</span>`);
}

export default async function handler(req: NextApiRequest, res: NextApiResponse) {
  const users = await User.count();
  res.status(200).json({ users });
}
