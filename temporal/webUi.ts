import type { Config } from '../config.ts';

/** Where the Temporal Web UI is, and which namespace is ours. */
export interface WebUi {
  url: string;
  namespace: string;
}

/** Null where it is not said where the Web UI is. */
export function webUiOf({ TEMPORAL_UI_URL: url, TEMPORAL_NAMESPACE: namespace }: Config): WebUi | null {
  return url === undefined ? null : { url, namespace };
}

/** The page of a workflow's run in the Temporal Web UI. */
export function webUiPage({ url, namespace }: WebUi, run: { workflowId: string; runId: string }): string {
  const parts = ['namespaces', namespace, 'workflows', run.workflowId, run.runId, 'history'];
  return new URL(parts.map(encodeURIComponent).join('/'), url.endsWith('/') ? url : `${url}/`).href;
}
