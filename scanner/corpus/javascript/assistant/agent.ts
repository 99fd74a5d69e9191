import Anthropic from '@anthropic-ai/sdk';
import { exec, execFile } from 'node:child_process';
import { promisify } from 'node:util';

const sh = promisify(exec);
const runFile = promisify(execFile);
const client = new Anthropic();
const MODEL = process.env.ASSISTANT_MODEL ?? 'claude-sonnet-4-5';

const DIAGNOSTICS: Readonly<Record<string, string>> = Object.freeze({
  disk: 'df -h',
  memory: 'free -m',
  uptime: 'uptime',
});

export interface Turn {
  role: 'user' | 'assistant';
  content: string;
}

async function ask(system: string, turns: Turn[]): Promise<string> {
  const reply = await client.messages.create({ model: MODEL, max_tokens: 1024, system, messages: turns });
  return reply.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

export async function operate(turns: Turn[]): Promise<string> {
  const command = await ask('Answer with one shell command that does what the user wants.', turns);
  const { stdout } = await sh(command.trim());
  return stdout;
}

export async function diagnose(turns: Turn[]): Promise<string> {
  const choice = (await ask('Answer with one of: disk, memory, uptime.', turns)).trim();
  if (!Object.keys(DIAGNOSTICS).includes(choice)) {
    return 'No such check.';
  }
  const { stdout } = await sh(DIAGNOSTICS[choice]);
  return stdout;
}

export async function transform(rows: unknown[], turns: Turn[]): Promise<unknown> {
  const body = await ask('Write the body of a JavaScript function of (rows) that reshapes the table.', turns);
  const reshape = new Function('rows', body);
  return reshape(rows);
}

export async function plan(rows: unknown[], turns: Turn[]): Promise<unknown> {
  const text = await ask('Answer with a JSON object {"limit": number, "reverse": boolean}.', turns);
  const spec = JSON.parse(text) as { limit?: number; reverse?: boolean };
  const copy = spec.reverse === true ? [...rows].reverse() : [...rows];
  return copy.slice(0, Number(spec.limit) || 10);
}

export async function announce(turns: Turn[]): Promise<string> {
  const summary = await ask('Summarise the conversation in one sentence.', turns);
  const { stdout } = await runFile('logger', ['-t', 'assistant', '--', summary]);
  return stdout;
}
