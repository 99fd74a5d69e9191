import { generateText, tool } from 'ai';
import { openai } from '@ai-sdk/openai';
import { execaCommand, execa } from 'execa';
import * as vm from 'node:vm';
import { z } from 'zod';

const model = openai('gpt-4o');
const UNITS = ['web', 'worker', 'cron'] as const;

export interface Reading {
  at: number;
  value: number;
}

async function say(prompt: string): Promise<string> {
  const { text } = await generateText({ model, prompt });
  return text.replace(/^```(?:\w+)?\n|```$/g, '').trim();
}

export async function summarise(readings: Reading[], wish: string): Promise<number> {
  const code = await say(`Write one JavaScript expression over readings: ${wish}`);
  const script = new vm.Script(code);
  return script.runInThisContext() as number;
}

export async function summariseBy(readings: Reading[], wish: string): Promise<number> {
  const answer = await say(`Answer with mean, max or min for: ${wish}`);
  const values = readings.map((reading) => reading.value);
  switch (answer) {
    case 'max':
      return Math.max(...values);
    case 'min':
      return Math.min(...values);
    default:
      return values.reduce((sum, value) => sum + value, 0) / values.length;
  }
}

export const terminal = tool({
  description: 'Run a shell command in the workspace',
  parameters: z.object({ command: z.string() }),
  execute: async function runTool({ command }) {
    const { stdout } = await execaCommand(command, { shell: true, cwd: '/workspace' });
    return stdout;
  },
});

export const restart = tool({
  description: 'Restart one of the units',
  parameters: z.object({ unit: z.enum(UNITS) }),
  execute: async function restartTool({ unit }) {
    const { stdout } = await execa('systemctl', ['restart', unit]);
    return stdout;
  },
});

export async function agent(prompt: string): Promise<string> {
  const { text } = await generateText({ model, prompt, tools: { terminal, restart }, maxSteps: 6 });
  return text;
}

export async function chart(readings: Reading[], wish: string): Promise<number[]> {
  const pick = await say(`Write a JavaScript arrow function from {at, value} to a number for: ${wish}`);
  const build = (source: string) => (0, eval)(source) as (reading: Reading) => number;
  return readings.map(build(pick));
}
