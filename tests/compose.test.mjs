/** What docker-compose.yml and the Dockerfiles promise, read from the files: this needs no engine. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(`${root}/${path}`, 'utf8');
const { services, networks } = parse(read('docker-compose.yml'), { merge: true });
const each = Object.entries(services);
const runners = each.filter(([name]) => name.startsWith('runner-'));
const built = each.filter(([, service]) => service.build);

test('every published port is on the loopback address', () => {
  for (const [name, { ports = [] }] of each) {
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+(-\d+)?:\d+$/, `${name} publishes ${port}`);
  }
});

test('only command and worker publish ports, and only what is documented', () => {
  const published = Object.fromEntries(each.filter(([, { ports }]) => ports).map(([name, { ports }]) => [name, ports]));
  assert.deepEqual(published, {
    command: ['127.0.0.1:3000:3000', '127.0.0.1:50051:50051'],
    worker: ['127.0.0.1:3001-3010:3001'],
  });
});

test('runners share a network with workers alone, and it leads nowhere', () => {
  assert.ok(runners.length > 0);
  for (const [runner, service] of runners) {
    for (const network of service.networks) {
      assert.equal(networks[network].internal, true, `${network} leads out`);
      for (const [name, other] of each) {
        const allowed = name === 'worker' || name.startsWith('runner-');
        assert.ok(allowed || !other.networks.includes(network), `${name} shares ${network} with ${runner}`);
      }
    }
  }
});

test('redis and mongo are on a network that leads nowhere', () => {
  for (const name of ['redis', 'mongo']) {
    for (const network of services[name].networks) assert.equal(networks[network].internal, true, network);
  }
});

test('every service has a health check, is restarted, and has time for an orderly stop', () => {
  for (const [name, service] of each) {
    assert.ok(service.healthcheck?.test, `${name} has no health check`);
    assert.equal(service.restart, 'unless-stopped', name);
    const shutdown = Number(service.environment?.SHUTDOWN_SECONDS ?? 20);
    assert.ok(Number.parseInt(service.stop_grace_period, 10) > shutdown, `${name} is killed before it has stopped`);
  }
});

test('no service has more rights than it needs', () => {
  for (const [name, service] of each) {
    assert.equal(service.privileged, undefined, name);
    assert.equal(service.cap_add, undefined, name);
    assert.equal(service.devices, undefined, name);
    assert.deepEqual([service.pid, service.ipc, service.network_mode, service.userns_mode], Array(4).fill(undefined));
    assert.deepEqual(service.cap_drop, ['ALL'], name);
    assert.equal(service.read_only, true, name);
    assert.ok(service.security_opt.includes('no-new-privileges:true'), name);
    assert.ok(service.pids_limit > 0, name);
  }
});

test('only runners have another seccomp profile than the default, and none is without one', () => {
  for (const [name, { security_opt }] of each) {
    const lifted = security_opt.filter((option) => option !== 'no-new-privileges:true');
    const expected = name.startsWith('runner-')
      ? ['seccomp=deploy/docker/seccomp-runner.json', 'systempaths=unconfined', 'apparmor=unconfined']
      : [];
    assert.deepEqual(lifted, expected, name);
  }
  // What it says is tested where the jail is: services/runners/host/src/sandbox/jail/container.test.ts.
  assert.equal(JSON.parse(read('deploy/docker/seccomp-runner.json')).defaultAction, 'SCMP_ACT_ERRNO');
});

test('no service gets a folder of the host, the socket of the engine least of all', () => {
  for (const [name, { volumes = [] }] of each) {
    for (const volume of volumes) assert.match(volume, /^[a-z-]+:\//, `${name} mounts ${volume}`);
  }
  assert.doesNotMatch(read('docker-compose.yml'), /docker\.sock/);
});

test('a runner is told no address of a store or queue', () => {
  for (const [name, { environment }] of runners) {
    for (const variable of ['MONGO_URL', 'REDIS_URL']) assert.equal(environment[variable], undefined, name);
  }
});

test('only workers hold the secret that callbacks are signed with', () => {
  const holders = each.filter(([, { environment }]) => environment?.WEBHOOK_SECRET !== undefined).map(([name]) => name);
  assert.deepEqual(holders, ['worker']);
  assert.match(services.command.environment.WEBHOOKS, /^\$\{WEBHOOK_SECRET:\+on\}$/);
});

test('base images have a tag, and none is "latest"', () => {
  const named = each.filter(([, service]) => !service.build).map(([, { image }]) => image);
  const bases = built.flatMap(([, { build }]) =>
    [...read(build.dockerfile).matchAll(/^FROM (\S+)/gm)].map(([, image]) => image),
  );
  for (const image of [...named, ...bases]) assert.match(image, /:(?!latest$)\S+$/, image);
});

test('an image ends as an unprivileged user, with a health check', () => {
  for (const [, { build }] of built) {
    const last = read(build.dockerfile)
      .split(/^FROM /m)
      .at(-1);
    assert.match(last, /^USER [1-9]\d*:[1-9]\d*$/m, build.dockerfile);
    assert.match(last, /^HEALTHCHECK /m, build.dockerfile);
  }
});

test('what is built once for all images is the same in each Dockerfile', () => {
  const shared = built.map(([, { build }]) => {
    const [stage] = read(build.dockerfile).split(/^RUN (?:npm run build|rm -rf)/m);
    return stage.slice(stage.indexOf('FROM ')).replace(/# What the service runs with.*\n$/, '');
  });
  for (const stage of shared) assert.equal(stage, shared[0]);
});

test("an image's build copies the manifest of every workspace before it installs", () => {
  const locked = JSON.parse(read('package-lock.json')).packages;
  const workspaces = Object.values(locked).flatMap(({ link, resolved }) => (link ? [resolved] : []));
  assert.ok(workspaces.length > 0);
  for (const [, { build }] of built) {
    const text = read(build.dockerfile);
    for (const workspace of workspaces) {
      assert.ok(
        text.includes(`COPY ${workspace}/package.json ${workspace}/`),
        `${build.dockerfile} leaves out ${workspace}`,
      );
    }
  }
});
