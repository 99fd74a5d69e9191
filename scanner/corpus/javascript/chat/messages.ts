import express, { Request, Response } from 'express';
import { Collection, MongoClient } from 'mongodb';
import { z } from 'zod';

interface Message {
  room: string;
  author: string;
  text: string;
  sentAt: Date;
  deleted?: boolean;
}

const client = new MongoClient(process.env.MONGO_URL ?? 'mongodb://localhost:27017');
export const app = express();
app.use(express.json());

const Credentials = z.object({ name: z.string().max(64), pin: z.string().regex(/^\d{6}$/) });

function collection<T extends object>(name: string): Collection<T> {
  return client.db('chat').collection<T>(name);
}

export async function enter(req: Request, res: Response): Promise<void> {
  const member = await collection('members').findOne({ name: req.body.name, pin: req.body.pin });
  res.json({ ok: member !== null });
}

export async function enterRoom(req: Request, res: Response): Promise<void> {
  const { name, pin } = Credentials.parse(req.body);
  const member = await collection('members').findOne({ name, pin });
  res.json({ ok: member !== null });
}

export async function history(req: Request, res: Response): Promise<void> {
  const room = req.params.room;
  const found = await collection<Message>('messages')
    .find({ $where: `this.room == '${room}' && !this.deleted` })
    .limit(100)
    .toArray();
  res.json(found);
}

export async function roomHistory(req: Request, res: Response): Promise<void> {
  const room = req.params.room;
  const found = await collection<Message>('messages')
    .find({ room: String(room), deleted: { $ne: true } })
    .limit(100)
    .toArray();
  res.json(found);
}

export async function search(req: Request, res: Response): Promise<void> {
  const filter: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(req.body.filter ?? {})) {
    filter[key] = value;
  }
  res.json(await collection<Message>('messages').find(filter).limit(20).toArray());
}

export async function searchAuthor(req: Request, res: Response): Promise<void> {
  const filter = { author: { $eq: `${req.body.author}` } };
  res.json(await collection<Message>('messages').find(filter).limit(20).toArray());
}

export async function removeToken(req: Request, res: Response): Promise<void> {
  const token = req.body.token;
  const remove = (query: object) => collection('devices').deleteMany(query);
  const outcome = await remove({ token });
  res.json({ removed: outcome.deletedCount });
}

export async function removeDevice(req: Request, res: Response): Promise<void> {
  const token = req.body.token;
  if (typeof token !== 'string') {
    res.sendStatus(400);
    return;
  }
  const outcome = await collection('devices').deleteMany({ token });
  res.json({ removed: outcome.deletedCount });
}

app.post('/enter', enter);
app.post('/enter-checked', enterRoom);
app.get('/rooms/:room', history);
app.get('/rooms/:room/history', roomHistory);
app.post('/search', search);
app.post('/search/author', searchAuthor);
app.delete('/token', removeToken);
app.delete('/device', removeDevice);
