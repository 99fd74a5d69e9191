import fastify, { FastifyReply, FastifyRequest } from 'fastify';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

type ThemeParams = { Params: { name: string } };
type NoteBody = { Body: { title: string; text: string } };

const THEMES = '/srv/themes';
const KNOWN = new Set(['dawn', 'dusk', 'paper']);
const join2 = join;

export const server = fastify({ logger: true });

function cssHeaders(reply: FastifyReply): FastifyReply {
  return reply.header('content-type', 'text/css').header('cache-control', 'max-age=3600');
}

async function themeFile(request: FastifyRequest<ThemeParams>, reply: FastifyReply) {
  const { name } = request.params;
  const css = await readFile(join2(THEMES, `${name}.css`), 'utf8');
  return cssHeaders(reply).send(css);
}

async function themeByName(request: FastifyRequest<ThemeParams>, reply: FastifyReply) {
  const { name } = request.params;
  if (!KNOWN.has(name)) {
    return reply.code(404).send();
  }
  const css = await readFile(join(THEMES, `${name}.css`), 'utf8');
  return cssHeaders(reply).send(css);
}

async function saveNote(request: FastifyRequest<NoteBody>, reply: FastifyReply) {
  const { title, text } = request.body;
  const parts = { folder: '/srv/notes', title };
  await writeFile(`${parts.folder}/${parts.title}`, text);
  return reply.code(201).send({ title });
}

async function saveNumbered(request: FastifyRequest<NoteBody>, reply: FastifyReply) {
  const { title, text } = request.body;
  const slug = title.replace(/[^A-Za-z0-9]/g, '_').slice(0, 60);
  await writeFile(`/srv/notes/note-${slug}.txt`, text);
  return reply.code(201).send({ title });
}

async function clearCache(request: FastifyRequest, reply: FastifyReply) {
  const bucket = request.headers['x-cache-bucket'] as string;
  await rm('/srv/cache/' + bucket, { recursive: true, force: true });
  return reply.code(204).send();
}

server.get('/themes/:name', themeFile);
server.get('/known/:name', themeByName);
server.post('/notes', saveNote);
server.post('/numbered', saveNumbered);
server.delete('/cache', clearCache);
