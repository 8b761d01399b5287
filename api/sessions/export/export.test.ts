import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { strFromU8, unzipSync } from 'fflate';
import sharp from 'sharp';
import { recordStep } from '../../../db/sessionSteps.ts';
import { startTestApi, type TestApi, type TestUser } from '../../../tests/api.ts';
import { exampleOf } from '../../../tests/examples.ts';

let api: TestApi;
let user: TestUser;
beforeAll(async () => {
  api = await startTestApi({ worker: true });
  user = await api.newUser();
});
afterAll(() => api.close());

async function created(body: object): Promise<string> {
  const answer = await api.call('POST', '/v1/sessions', { token: user.token, body: { ...body, autoAnalyze: false } });
  expect(answer.status).toBe(201);
  return (answer.body.data as { id: string }).id;
}

const fetchArchive = (id: string, token = user.token) =>
  fetch(`${api.url}/v1/sessions/${id}/export`, { headers: { Authorization: `Bearer ${token}` } });

async function filesOf(id: string): Promise<Map<string, Uint8Array>> {
  const answer = await fetchArchive(id);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/zip');
  expect(answer.headers.get('content-disposition')).toBe(`attachment; filename=session-${id}.zip`);
  return new Map(Object.entries(unzipSync(new Uint8Array(await answer.arrayBuffer()))));
}
const textOf = (files: Map<string, Uint8Array>, name: string) => strFromU8(files.get(name) ?? new Uint8Array());

const descriptors = {
  model: { name: 'remote_viewing', version: '1.0.0', backend: 'js' },
  chance: { value: 0.29, meaning: 'how often a quality is there at all' },
  summary: 'Most likely a structure of stone.',
  limits: 'It knows 32 qualities.',
  descriptors: [
    { name: 'structure', kind: 'gestalt' as const, probability: 0.81 },
    { name: 'water', kind: 'gestalt' as const, probability: 0.07 },
  ],
};

const analyze = (sessionId: string) =>
  recordStep(api.resources.database.asService(), {
    sessionId,
    from: ['created'],
    status: 'notifying',
    step: 'analyze',
    type: 'analysis_completed',
    results: [{ id: randomUUID(), resultType: 'remote_viewing.descriptors', confidenceScore: 0.81, data: descriptors }],
  });

describe('a session that is taken away as an archive (A1)', () => {
  test('holds the session, its results and its events as the API reads them', async () => {
    const id = await created(await exampleOf('remote_viewing'));
    await analyze(id);
    const files = await filesOf(id);
    const read = async (part: string) =>
      (await api.call('GET', `/v1/sessions/${id}${part}`, { token: user.token })).body.data as object;
    expect(JSON.parse(textOf(files, 'session.json'))).toEqual(await read(''));
    expect({ results: JSON.parse(textOf(files, 'results.json')) as unknown }).toEqual(await read('/results'));
    expect({ events: JSON.parse(textOf(files, 'events.json')) as unknown }).toEqual(await read('/events'));
    expect(files.has('outcome.json')).toBe(false);
  });

  test('has every sketch as SVG and as a PNG on which there is something to see', async () => {
    const example = await exampleOf('remote_viewing');
    const files = await filesOf(await created(example));
    const { width, height, channels, format } = await sharp(files.get('sketch-1.png')).metadata();
    expect({ width, height, channels, format }).toMatchObject({ width: 1_200, height: 1_200, format: 'png' });
    const { channels: seen } = await sharp(files.get('sketch-1.png')).stats();
    expect(seen[0]?.min).toBeLessThan(64);
    expect(seen[0]?.max).toBe(255);
    expect(textOf(files, 'sketch-1.svg')).toMatch(/^<svg [^]*<path [^]*<\/svg>\n$/);
  });

  test('has the trace of a pendulum as a picture', async () => {
    const files = await filesOf(await created(await exampleOf('dowsing')));
    expect(textOf(files, 'trace.svg')).toContain('<circle');
    expect((await sharp(files.get('trace.png')).stats()).channels[0]?.min).toBeLessThan(64);
  });

  test('has a report in which every figure stands beside its chance, the model’s version and the honest words', async () => {
    const id = await created(await exampleOf('remote_viewing'));
    await analyze(id);
    const report = textOf(await filesOf(id), 'report.html');
    for (const words of [
      '81 %',
      '0.29',
      'how often a quality is there at all',
      'remote_viewing 1.0.0',
      'It knows 32',
    ]) {
      expect(report).toContain(words);
    }
    expect(report).toContain('One session shows nothing either way');
    expect(report).toContain('<svg');
  });

  test.each(['precognition', 'intuitive_analysis'] as const)(
    'is made of %s, before there are results',
    async (type) => {
      const report = textOf(await filesOf(await created(await exampleOf(type))), 'report.html');
      expect(report).toContain('the session has no results');
    },
  );

  test('has what people wrote as text, whatever it looks like', async () => {
    const cue = '<script>alert(1)</script>';
    const id = await created({ sessionType: 'remote_viewing', cue, impressions: { words: ['<img src=x>'] } });
    const report = textOf(await filesOf(id), 'report.html');
    expect(report).toContain('&lt;script&gt;');
    expect(report).not.toMatch(/<script|<img/);
  });

  test('is its owner’s alone', async () => {
    const stranger = await api.newUser();
    const answer = await fetchArchive(await created(await exampleOf('dowsing')), stranger.token);
    expect(answer.status).toBe(404);
    expect(((await answer.json()) as { error: { code: string } }).error.code).toBe('not_found');
  });
});
