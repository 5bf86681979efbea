/** What deploy/kubernetes promises: read as kustomize builds it, held against the schemas of Kubernetes and KEDA. No cluster is needed. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { VARIABLES } from '@runlane/core';
import { findServer, skipWithout } from '@runlane/core/testing';
import { parseAllDocuments } from 'yaml';

const skip = skipWithout('kubernetes-tools');
const { path: tools } = findServer('kubernetes-tools');
const root = fileURLToPath(new URL('../deploy/kubernetes', import.meta.url));

const build = (folder) => execFileSync(`${tools}/kustomize`, ['build', `${root}/${folder}`], { encoding: 'utf8' });
const parse = (text) => parseAllDocuments(text).map((document) => document.toJS());

/** What kubeconform has against it; nothing where it is as it should be. */
function faultsOf(text) {
  const { stdout, stderr, error } = spawnSync(
    `${tools}/kubeconform`,
    ['-strict', '-schema-location', `${tools}/schemas/{{ .ResourceKind }}{{ .KindSuffix }}.json`, '-'],
    { input: text, encoding: 'utf8' },
  );
  if (error) throw error;
  return `${stdout}${stderr}`.trim();
}

describe('the manifests for Kubernetes', { skip }, () => {
  const texts = skip ? {} : Object.fromEntries(['', 'scaling', 'example-servers'].map((name) => [name, build(name)]));
  const all = Object.values(texts).flatMap(parse);
  const ofKind = (kind) => all.filter((each) => each.kind === kind);
  const named = (kind, name) => all.find((each) => each.kind === kind && each.metadata.name === name);
  const workloads = [...ofKind('Deployment'), ...ofKind('StatefulSet')];
  const own = ofKind('Deployment');
  const runners = own.filter(({ metadata }) => metadata.namespace === 'runlane-runners');
  const podOf = (workload) => workload.spec.template.spec;
  const containerOf = (workload) => podOf(workload).containers[0];
  const variableOf = (workload, name) => containerOf(workload).env.find((each) => each.name === name)?.value;

  test('are what Kubernetes and KEDA take, to the last field', () => {
    for (const [name, text] of Object.entries(texts)) assert.equal(faultsOf(text), '', name);
  });

  test('control: a field, a value or a kind that does not exist is found', () => {
    for (const [name, wrong, why] of [
      ['', texts[''].replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem'), /readOnlyRootFileSystem/],
      ['', texts[''].replace('replicas: 2', 'replicas: two'), /replicas/],
      ['', texts[''].replace('podSelector: {}', 'podSelectors: {}'), /podSelector/],
      ['scaling', texts.scaling.replace('pollingInterval', 'pollInterval'), /pollInterval/],
      ['scaling', texts.scaling.replace('kind: ScaledObject', 'kind: ScaledThing'), /ScaledThing/],
    ]) {
      assert.notEqual(wrong, texts[name]);
      assert.match(faultsOf(wrong), why);
    }
  });

  test('give no container more rights than it needs', () => {
    assert.ok(workloads.length >= 5);
    for (const workload of workloads) {
      const { name } = workload.metadata;
      const pod = podOf(workload);
      assert.deepEqual([pod.hostNetwork, pod.hostPID, pod.hostIPC], Array(3).fill(undefined), name);
      assert.equal(pod.automountServiceAccountToken, false, name);
      assert.equal(pod.securityContext.runAsNonRoot, true, name);
      assert.ok(pod.securityContext.runAsUser > 0, name);
      assert.ok(pod.containers.length === 1 && pod.initContainers === undefined, name);
      const { securityContext, resources } = containerOf(workload);
      assert.equal(securityContext.allowPrivilegeEscalation, false, name);
      assert.equal(securityContext.readOnlyRootFilesystem, true, name);
      assert.equal(securityContext.privileged, undefined, name);
      assert.deepEqual(securityContext.capabilities, { drop: ['ALL'] }, name);
      assert.ok(resources.requests.cpu && resources.requests.memory && resources.limits.memory, name);
      for (const volume of pod.volumes ?? []) assert.ok(volume.emptyDir, `${name} mounts ${volume.name}`);
    }
  });

  test('lift what the jail needs for runners alone, and only where ids are nobody’s on the node', () => {
    assert.ok(runners.length > 0);
    for (const workload of workloads) {
      const isRunner = runners.includes(workload);
      const { name } = workload.metadata;
      const { securityContext, hostUsers } = podOf(workload);
      assert.equal(containerOf(workload).securityContext.procMount, isRunner ? 'Unmasked' : undefined, name);
      assert.equal(hostUsers, isRunner ? false : undefined, name);
      assert.deepEqual(securityContext.appArmorProfile, isRunner ? { type: 'Unconfined' } : undefined, name);
      const expected = isRunner
        ? { type: 'Localhost', localhostProfile: 'runlane/seccomp-runner.json' }
        : { type: 'RuntimeDefault' };
      assert.deepEqual(securityContext.seccompProfile, expected, name);
    }
    const levelOf = (name) => named('Namespace', name).metadata.labels['pod-security.kubernetes.io/enforce'];
    assert.deepEqual([levelOf('runlane'), levelOf('runlane-runners')], ['restricted', 'privileged']);
  });

  test('leave every process the time that its orderly stop takes', () => {
    for (const workload of own) {
      const [shutdown, drain] = ['SHUTDOWN_SECONDS', 'DRAIN_SECONDS'].map((name) => variableOf(workload, name));
      const { terminationGracePeriodSeconds: grace } = podOf(workload);
      assert.ok(grace > Number(shutdown) + 1, `${workload.metadata.name} is killed before it has stopped`);
      assert.ok(Number(drain ?? 0) < Number(shutdown), workload.metadata.name);
    }
    const { failureThreshold, periodSeconds } = containerOf(named('Deployment', 'command')).readinessProbe;
    assert.ok(Number(variableOf(named('Deployment', 'command'), 'DRAIN_SECONDS')) > failureThreshold * periodSeconds);
  });

  test('probe every process, spread it, and keep some of it through a drain of nodes', () => {
    for (const workload of own) {
      const { name } = workload.metadata;
      const container = containerOf(workload);
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) assert.ok(container[probe], name);
      assert.ok(podOf(workload).topologySpreadConstraints.length > 0, name);
      const budget = named('PodDisruptionBudget', name);
      assert.deepEqual(budget?.spec.selector, workload.spec.selector, name);
      assert.equal(budget.metadata.namespace, workload.metadata.namespace);
      assert.deepEqual(workload.spec.template.metadata.labels, workload.spec.selector.matchLabels, name);
    }
  });

  test('a runner is reached by workers alone, reaches nothing, and knows no server', () => {
    const policies = ofKind('NetworkPolicy').filter(({ metadata }) => metadata.namespace === 'runlane-runners');
    assert.equal(policies.length, 1);
    const [{ spec }] = policies;
    assert.deepEqual([spec.podSelector, spec.egress ?? []], [{}, []]);
    assert.deepEqual(spec.policyTypes.toSorted(), ['Egress', 'Ingress']);
    assert.deepEqual(spec.ingress, [
      {
        from: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'runlane' } },
            podSelector: { matchLabels: { 'app.kubernetes.io/component': 'worker' } },
          },
        ],
        ports: [{ port: 'grpc' }],
      },
    ]);
    for (const runner of runners) {
      assert.equal(containerOf(runner).envFrom, undefined);
      assert.doesNotMatch(JSON.stringify(runner), /MONGO|REDIS|secret/i);
      assert.equal(podOf(runner).enableServiceLinks, false);
    }
  });

  test('nothing in the platform’s namespace talks to anybody who is not named', () => {
    const isForAll = ({ spec }) => Object.keys(spec.podSelector).length === 0 && !spec.ingress && !spec.egress;
    const deny = ofKind('NetworkPolicy').find(isForAll);
    assert.equal(deny.metadata.namespace, 'runlane');
    assert.deepEqual(deny.spec.policyTypes.toSorted(), ['Egress', 'Ingress']);
    const selects = ({ spec }, component) => JSON.stringify(spec.podSelector).includes(`"${component}"`);
    const egress = ofKind('NetworkPolicy').filter((policy) => selects(policy, 'command') && policy.spec.egress);
    const ports = egress.flatMap(({ spec }) => spec.egress.flatMap((rule) => rule.ports.map(({ port }) => port)));
    assert.deepEqual(ports, [53, 53, 27017, 6379]);
  });

  test('workers find every runner behind one name', () => {
    const service = named('Service', 'runners');
    assert.equal(service.spec.clusterIP, 'None');
    for (const { spec } of runners)
      for (const [label, value] of Object.entries(service.spec.selector))
        assert.equal(spec.template.metadata.labels[label], value);
    assert.equal(variableOf(named('Deployment', 'worker'), 'RUNNERS'), 'runners.runlane-runners:50052');
    const languages = readdirSync(`${root}/runners`);
    assert.deepEqual(
      runners.map(({ metadata }) => metadata.name).toSorted(),
      languages.map((each) => `runner-${each}`),
    );
  });

  test('what is scaled is there, by the list that Bull keeps', () => {
    const scaled = ofKind('ScaledObject');
    assert.ok(scaled.length > 0);
    for (const { metadata, spec } of scaled) {
      const target = named('Deployment', spec.scaleTargetRef.name);
      assert.equal(target?.metadata.namespace, metadata.namespace, metadata.name);
      assert.deepEqual(
        spec.triggers.map(({ metadata: { listName } }) => listName),
        ['bull:code-exec:wait'],
      );
    }
  });

  test('set only variables that there are', () => {
    const settings = named('ConfigMap', 'runlane-settings').data;
    const set = own.flatMap((workload) => containerOf(workload).env.map(({ name }) => name));
    for (const name of [...set, ...Object.keys(settings)]) assert.ok(name === 'POD_IP' || name in VARIABLES, name);
  });
});
