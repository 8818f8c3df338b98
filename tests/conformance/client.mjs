// One capability of JavaScript's `@kubernetes/client-node`, as kubectl.sh has those of kubectl; it says what is read and printed.
// NODE_MODULES is the folder in which the client lies.

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.NODE_MODULES}/x.js`);
const k8s = await import(pathToFileURL(require.resolve('@kubernetes/client-node')));

const { NS: namespace, POD, DIR, PORT, IDLE, UNIQUE } = process.env;
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);

const map = (name, data = { k: 'v' }) => ({ metadata: { name }, data });
const make = (name) => core.createNamespacedConfigMap({ namespace, body: map(name) });
const read = (name) => core.readNamespacedConfigMap({ namespace, name });
const names = (list) => list.items.map((item) => item.metadata.name);
const refused = (call) => call.then(() => 'not refused', (error) => [error.code, JSON.parse(error.body).message]);
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const deployment = (name) => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'x', image: 'x' }] } };
  const spec = { selector: { matchLabels: { a: 'b' } }, template };
  return apps.createNamespacedDeployment({ namespace, body: { metadata: { name }, spec } });
};

const patched = async (strategy, body) => {
  await make('a');
  const options = k8s.setHeaderOptions('Content-Type', strategy);
  return (await core.patchNamespacedConfigMap({ namespace, name: 'a', body }, options)).data;
};

const applied = (value, fieldManager) => {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', ...map('a', { k: value }) };
  const options = k8s.setHeaderOptions('Content-Type', 'application/apply-patch+yaml');
  return core.patchNamespacedConfigMap({ namespace, name: 'a', body, fieldManager }, options);
};

const raw = async (path, accept) => {
  const options = await config.applyToFetchOptions({ headers: { Accept: accept } });
  const request = require('node:https').request;
  return new Promise((resolve, reject) => {
    const headers = Object.fromEntries(options.headers.entries?.() ?? Object.entries(options.headers));
    const tls = {};
    config.applyToHTTPSOptions(tls).then(() => {
      const asked = request(config.getCurrentCluster().server + path, { ...tls, headers: { ...tls.headers, ...headers, Accept: accept } }, (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part)).on('end', () => resolve(Buffer.concat(parts)));
      });
      asked.on('error', reject).end();
    }, reject);
  });
};

// Collects what is written until `text` has come.
const until = (stream, text) =>
  new Promise((resolve, reject) => {
    let all = '';
    setTimeout(() => reject(new Error(`'${text}' has not come: ${all}`)), 30_000);
    stream.on('data', (part) => {
      all += part;
      if (all.includes(text)) resolve(all);
    });
  });

const watching = async (seconds) => {
  await make('first');
  const seen = [];
  return new Promise((resolve, reject) => {
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const each = (type, object) => {
      seen.push([type, object.metadata.name]);
      if (object.metadata.name === 'second') resolve(seen);
      else setTimeout(() => make('second').catch(reject), seconds * 1000);
    };
    new k8s.Watch(config).watch(path, {}, each, (error) => reject(error ?? new Error('the watch ended'))).catch(reject);
  });
};

const run = async (command, input) => {
  const out = new PassThrough();
  const parts = [];
  out.on('data', (part) => parts.push(part));
  const stdin = input && new PassThrough();
  const status = await new Promise((resolve, reject) => {
    new k8s.Exec(config).exec(namespace, 'web', 'main', command, out, null, stdin ?? null, false, resolve).catch(reject);
    if (stdin) stdin.write(input);
  });
  return [Buffer.concat(parts).toString(), status];
};

const known = {
  server_version: () => config.makeApiClient(k8s.VersionApi).getCode(),
  discovery: async () => (await core.getAPIResources()).resources.map((each) => each.name),
  api_versions: async () => (await config.makeApiClient(k8s.ApisApi).getAPIVersions()).groups.map((group) => group.name).filter((name) => !name.includes('example')),
  create: async () => [(await make('a')).data, (await deployment('d')).metadata.name],
  get: async () => (await make('a'), (await read('a')).data),
  update: async () => (await make('a'), (await core.replaceNamespacedConfigMap({ namespace, name: 'a', body: map('a', { k: 'other' }) })).data),
  delete: async () => (await make('a'), await core.deleteNamespacedConfigMap({ namespace, name: 'a' }), refused(read('a'))),
  delete_collection: async () => (await make('a'), await core.deleteCollectionNamespacedConfigMap({ namespace }), names(await core.listNamespacedConfigMap({ namespace }))),
  labels_and_selectors: async () => (await make('a'), await make('b'), names(await core.listNamespacedConfigMap({ namespace, fieldSelector: 'metadata.name=b' }))),
  dry_run: async () => [(await core.createNamespacedConfigMap({ namespace, body: map('a'), dryRun: 'All' })).data, await refused(read('a'))],
  server_side_apply: async () => [(await applied('v', 'one')).data, (await refused(applied('w', 'two')))[0]],
  patch_strategic: () => patched(k8s.PatchStrategy.StrategicMergePatch, { data: { l: 'm' } }),
  patch_merge: () => patched(k8s.PatchStrategy.MergePatch, { data: { k: null, l: 'm' } }),
  patch_json: () => patched(k8s.PatchStrategy.JsonPatch, [{ op: 'add', path: '/data/l', value: 'm' }]),
  scale: async () => {
    await deployment('d');
    const options = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
    return (await apps.patchNamespacedDeploymentScale({ namespace, name: 'd', body: { spec: { replicas: 3 } } }, options)).spec.replicas;
  },
  status_subresource: async () => (await core.readNamespacedPodStatus({ namespace, name: 'web' })).status.phase,
  custom_resources: async () => {
    const [plural, group, version] = [`widgets${UNIQUE}`, 'conformance.example', 'v1'];
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    const spec = { group, scope: 'Namespaced', names: { plural, kind: `Widget${UNIQUE}` }, versions: [{ name: version, served: true, storage: true, schema }] };
    const crds = config.makeApiClient(k8s.ApiextensionsV1Api);
    await crds.createCustomResourceDefinition({ body: { metadata: { name: `${plural}.${group}` }, spec } });
    const body = { apiVersion: `${group}/${version}`, kind: `Widget${UNIQUE}`, metadata: { name: 'w' }, spec: { size: 3 } };
    let made;
    for (let tries = 0; !made && tries < 100; tries += 1) {
      made = await config.makeApiClient(k8s.CustomObjectsApi).createNamespacedCustomObject({ group, version, namespace, plural, body }).catch(() => sleep(200));
    }
    await crds.deleteCustomResourceDefinition({ name: `${plural}.${group}` });
    return made.spec;
  },
  table: async () => {
    const got = JSON.parse(await raw(`/api/v1/namespaces/${namespace}/pods`, 'application/json;as=Table;v=v1;g=meta.k8s.io'));
    return [got.kind, got.columnDefinitions.map((column) => column.name), got.rows.map((row) => row.cells.slice(0, 4))];
  },
  metadata_only: async () => JSON.parse(await raw(`/api/v1/namespaces/${namespace}`, 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io')).kind,
  protobuf: async () => (await raw(`/api/v1/namespaces/${namespace}`, 'application/vnd.kubernetes.protobuf')).subarray(0, 4).toString('hex'),
  chunked_list: async () => {
    for (const name of ['a', 'b', 'c']) await make(name);
    const first = await core.listNamespacedConfigMap({ namespace, limit: 2 });
    return [names(first), names(await core.listNamespacedConfigMap({ namespace, limit: 2, _continue: first.metadata._continue }))];
  },
  all_namespaces: async () => names(await core.listPodForAllNamespaces({ fieldSelector: `metadata.namespace=${namespace}` })),
  watch: () => watching(0),
  watch_idle: () => watching(Number(IDLE)),
  logs: async () => {
    writeFileSync(`${POD}/log`, 'one\ntwo\n');
    return [await core.readNamespacedPodLog({ namespace, name: 'web' }), await core.readNamespacedPodLog({ namespace, name: 'web', tailLines: 1 })];
  },
  logs_follow: async () => {
    writeFileSync(`${POD}/log`, 'one\n');
    const out = new PassThrough();
    const all = until(out, 'two');
    await new k8s.Log(config).log(namespace, 'web', 'main', out, { follow: true });
    setTimeout(() => appendFileSync(`${POD}/log`, 'two\n'), 500);
    return all;
  },
  exec_codes: () => run(['sh', '-c', 'read x; echo got $x; exit 3'], 'something\n'),
  attach: async () => {
    const [out, stdin] = [new PassThrough(), new PassThrough()];
    const all = until(out, 'process\n');
    await new k8s.Attach(config).attach(namespace, 'web', 'main', out, null, stdin, false);
    stdin.write('to the process\n');
    return all;
  },
  port_forward: async () => {
    const [out, input] = [new PassThrough(), new PassThrough()];
    const all = until(out, 'application');
    await new k8s.PortForward(config).portForward(namespace, 'web', [Number(PORT)], out, null, input);
    input.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    return all;
  },
  cp: async () => {
    mkdirSync(`${DIR}/source`);
    writeFileSync(`${DIR}/source/there`, 'x'.repeat(3_000_000));
    const copy = new k8s.Cp(config);
    await copy.cpToPod(namespace, 'web', 'main', `${DIR}/source`, POD);
    for (let tries = 0; tries < 100; tries += 1) {
      await sleep(100);
      try {
        const there = readFileSync(`${POD}/there`);
        if (there.length === 3_000_000) return there.every((byte) => byte === 120);
      } catch {
        // Not yet.
      }
    }
    throw new Error('the copy has not come');
  },
  wait: async () => {
    for (let tries = 0; tries < 100; tries += 1) {
      const pod = await core.readNamespacedPod({ namespace, name: 'web' });
      if (pod.status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True')) return 'Ready';
      await sleep(100);
    }
    throw new Error('not ready');
  },
  drain: async () => {
    const body = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'web', namespace } };
    await core.createNamespacedPodEviction({ namespace, name: 'web', body });
    return names(await core.listNamespacedPod({ namespace }));
  },
  can_i: async () => {
    const body = { spec: { resourceAttributes: { verb: 'create', resource: 'pods', namespace } } };
    return (await config.makeApiClient(k8s.AuthorizationV1Api).createSelfSubjectAccessReview({ body })).status.allowed;
  },
  as: async () => {
    const as = (user) => core.listNamespacedConfigMap({ namespace }, k8s.setHeaderOptions('Impersonate-User', user));
    return [await refused(as('nobody-there')), names(await as(`reader-${namespace}`))];
  },
  as_group: async () => {
    const options = k8s.setHeaderOptions('Impersonate-User', 'nobody-there');
    return names(await core.listNamespacedConfigMap({ namespace }, k8s.setHeaderOptions('Impersonate-Group', `readers-${namespace}`, options)));
  },
  create_token: async () => {
    await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: 's' } } });
    const made = await core.createNamespacedServiceAccountToken({ namespace, name: 's', body: { spec: { audiences: ['x'] } } });
    return made.status.token.split('.').length;
  },
};

const capability = known[process.argv[2]];
if (!capability) process.exit(77);
console.log(JSON.stringify(await capability()));
process.exit(0);
