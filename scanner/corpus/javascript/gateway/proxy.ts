import axios from 'axios';
import type { Request, Response } from 'express';
import https from 'node:https';
import { readFileSync } from 'node:fs';
import got from 'got';

const UPSTREAMS: Record<string, string> = {
  billing: 'https://billing.internal.example',
  shipping: 'https://shipping.internal.example',
};

const agent = new https.Agent({ keepAlive: true, ca: readFileSync('/etc/ssl/internal-ca.pem') });

async function pull(url: string, timeout = 5000): Promise<string> {
  const response = await axios.get<string>(url, { timeout, responseType: 'text', httpsAgent: agent });
  return response.data;
}

export async function preview(req: Request, res: Response): Promise<void> {
  const link = req.body.link as string;
  const page = await pull(link);
  const title = /<title>([^<]*)<\/title>/i.exec(page);
  res.json({ title: title ? title[1] : null });
}

export async function status(req: Request, res: Response): Promise<void> {
  const page = await pull('https://status.example.com/api/v2/summary.json');
  res.json({ link: req.body.link, status: JSON.parse(page) });
}

export async function shipment(req: Request, res: Response): Promise<void> {
  const tracking = encodeURIComponent(req.params.tracking);
  const { data } = await axios.get(`https://shipping.internal.example/v1/parcels/${tracking}`, { maxRedirects: 0 });
  res.json(data);
}

export async function forward(req: Request, res: Response): Promise<void> {
  const target = `https://${req.headers['x-upstream-host']}/v1/orders`;
  const answer = await got.post(target, { json: req.body }).json();
  res.json(answer);
}

export async function forwardTo(req: Request, res: Response): Promise<void> {
  const service = String(req.headers['x-upstream']);
  const base = Object.keys(UPSTREAMS).includes(service) ? UPSTREAMS[service] : undefined;
  if (base === undefined) {
    res.sendStatus(404);
    return;
  }
  const answer = await got.post(`${base}/v1/orders`, { json: req.body }).json();
  res.json(answer);
}

export function relay(req: Request, res: Response): void {
  const plainAgent = new https.Agent({ rejectUnauthorized: false });
  const call = https.request('https://ledger.internal.example/v1/entries', { method: 'POST', agent: plainAgent }, (up) => {
    res.status(up.statusCode ?? 502);
    up.pipe(res);
  });
  call.end(JSON.stringify(req.body));
}

export function relayEntries(req: Request, res: Response): void {
  const ledgerAgent = new https.Agent({ ca: readFileSync('/etc/ssl/ledger-ca.pem'), rejectUnauthorized: true });
  const call = https.request('https://ledger.internal.example/v1/entries', { method: 'POST', agent: ledgerAgent }, (up) => {
    res.status(up.statusCode ?? 502);
    up.pipe(res);
  });
  call.end(JSON.stringify(req.body));
}
