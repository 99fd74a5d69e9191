import { Kafka, EachMessagePayload } from 'kafkajs';
import { promises as fs } from 'node:fs';
import * as path from 'node:path';
import { run } from '../media/shell';
import { Pool } from 'pg';

const kafka = new Kafka({ clientId: 'jobs', brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(',') });
const pool = new Pool();
const OUTPUT = '/srv/jobs/out';

interface Job {
  id: number;
  name: string;
  repository: string;
  content: string;
}

function parse({ message }: EachMessagePayload): Job {
  return JSON.parse(message.value?.toString() ?? '{}') as Job;
}

async function store(name: string, content: string): Promise<void> {
  const target = path.join(OUTPUT, name);
  await fs.writeFile(target, content);
}

export async function onResult(payload: EachMessagePayload): Promise<void> {
  const job = parse(payload);
  await store(job.name, job.content);
}

export async function onSnapshot(payload: EachMessagePayload): Promise<void> {
  const job = parse(payload);
  await store('snapshot.json', JSON.stringify({ name: job.name, content: job.content }));
}

export async function onPush(payload: EachMessagePayload): Promise<void> {
  const job = parse(payload);
  await run(`git clone --depth 1 ${job.repository} /srv/jobs/checkout`);
}

export async function onTag(payload: EachMessagePayload): Promise<void> {
  const job = parse(payload);
  await run('git -C /srv/jobs/checkout fetch --tags');
  await pool.query('UPDATE jobs SET tagged = now() WHERE name = $1', [job.name]);
}

export async function onDone(payload: EachMessagePayload): Promise<void> {
  const job = parse(payload);
  const finish = pool.query.bind(pool);
  await finish(`UPDATE jobs SET done = now() WHERE name = '${job.name}'`);
}

export async function start(): Promise<void> {
  const consumer = kafka.consumer({ groupId: 'jobs' });
  await consumer.connect();
  await consumer.subscribe({ topics: ['results', 'pushes'] });
  await consumer.run({
    eachMessage: async (payload) => (payload.topic === 'pushes' ? onPush(payload) : onResult(payload)),
  });
}
