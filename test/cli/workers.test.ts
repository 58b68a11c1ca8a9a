import { describe, expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

interface Synced {
  readonly state: string;
  readonly targets: readonly { readonly added: number }[];
}

describe('--execution-mode workers', () => {
  test('lets a worker copy, and read again for a verify that finds what is wrong', async () => {
    using box = new Sandbox();
    box.configure();
    box.write(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`data/${i}`, `object ${i}`])));
    const working = box.run(['worker', '--json'], { interruptAfter: { file: 'done', delayMs: 20 } });
    const synced = await box.json<Synced>('sync', 'data:', '--execution-mode', 'workers');
    expect(synced).toMatchObject({ state: 'done', targets: [{ added: 30 }, { added: 30 }] });
    expect(box.list('far')).toEqual(box.list('data'));
    box.damage('near/7');
    const verified = await box.run(['verify', 'data:', '--execution-mode', 'workers']);
    expect(verified).toMatchObject({ code: 1, stderr: '' });
    expect(verified.stdout).toMatch(/corrupt.*\b7\b|\b7\b.*near/);
    box.write({ done: '' });
    const { code, stdout } = await working;
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { pages: number }).pages).toBeGreaterThanOrEqual(2);
  });

  test('refuses at once what several machines cannot promise', async () => {
    using box = new Sandbox();
    box.configure();
    box.write({ 'data/a': 'a' });
    const limits = ['--relaxed', '--bandwidth', '1M'];
    const ran = await box.run(['sync', 'data:', '--execution-mode', 'workers', ...limits]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('can be made durable only by the machine that wrote it');
    expect(ran.stderr).toContain('workers of several machines cannot keep one limit together');
    expect(box.list('near')).toEqual([]);
  });
});
