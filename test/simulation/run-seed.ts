import { type Delivery, NO_NETWORK_FAULTS, SimulatedNetwork } from '../../src/testing/simulated-network.ts';
import { SimulatedRandom } from '../../src/testing/simulated-random.ts';
import { SimulatedTimeline } from '../../src/testing/simulated-timeline.ts';
import { Clients } from './client.ts';
import { checkConvergence } from './checkers/convergence.ts';
import { checkDeliveries, type SentVersion } from './checkers/deliveries.ts';
import { describeEnding } from './describe-ending.ts';
import { idOf } from './facts.ts';
import { Onlooker } from './onlooker.ts';
import { type Act, makePlan, type Mishap, type Plan, type PlanOptions } from './plan.ts';
import { SimulatedSite } from './simulated-site.ts';

export interface Outcome {
  readonly seed: number;
  /** Empty: it went well. */
  readonly complaints: readonly string[];
  readonly story: readonly string[];
  readonly sent: readonly SentVersion[];
  /** All versions, by the site that made them. */
  readonly made: readonly { readonly id: string; readonly site: string }[];
  /** How many writers were told that peers have what they wrote. */
  readonly replicated: number;
  /** Entries that were given up for a comparison. */
  readonly givenUp: number;
}

/** Sites have said hello to each other by then, and mostly compared what they have. */
const BEGIN_MS = 500;
/** A comparison that is slow ends within so long. */
const MET_MS_MAX = 30_000;
/** After faults have stopped everything is the same within so long. */
const CONVERGED_MS_MAX = 600_000;
const LOOK_MS = 500;
/** What a site has considered is known to all others so long after the last change. */
const SPREAD_MS = 4_000;
/** For so long after it nobody says anything. */
const SILENCE_MS = 3_000;

/** Runs the world of a seed: first with faults, then without, until nothing happens any more. */
export async function runSeed(seed: number, options: PlanOptions = {}): Promise<Outcome> {
  return runPlan(makePlan(seed, options));
}

export async function runPlan(plan: Plan): Promise<Outcome> {
  const world = await World.open(plan);
  try {
    await world.run();
  } finally {
    await world.close();
  }
  const { complaints, story, sent, made, replicated, givenUp } = world;
  return { seed: plan.seed, complaints, story, sent, made, replicated, givenUp };
}

class World {
  readonly story: string[] = [];
  readonly sent: SentVersion[] = [];
  givenUp = 0;
  readonly #plan: Plan;
  readonly #timeline = new SimulatedTimeline();
  readonly #random: SimulatedRandom;
  readonly #network: SimulatedNetwork;
  readonly #sites = new Map<string, SimulatedSite>();
  readonly #onlooker: Onlooker;
  readonly #clients = new Clients();
  readonly #defects: string[] = [];
  /** What was queued at a site when its catalog was copied. */
  readonly #queuedBefore = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>();
  #restarting: Promise<void> = Promise.resolve();

  private constructor(plan: Plan) {
    this.#plan = plan;
    this.#onlooker = new Onlooker(plan.conflicts);
    this.#random = new SimulatedRandom(plan.seed ^ 0x5eed);
    this.#network = new SimulatedNetwork({
      timeline: this.#timeline,
      random: this.#random.fork(),
      onDelivery: (delivery) => this.#note(delivery),
      onDefect: (error) => this.#defect(error),
    });
  }

  static async open(plan: Plan): Promise<World> {
    const world = new World(plan);
    const { topology } = plan;
    world.#say(`${topology.shape} of ${topology.sites.length}: ${topology.ways.map((way) => way.join('→')).join(' ')}`);
    for (const name of topology.sites) {
      const site = await SimulatedSite.open(name, {
        timeline: world.#timeline,
        network: world.#network,
        random: world.#random.fork(),
        plan,
        onDefect: (error) => world.#defect(error),
        onDeath: (dead) => world.#say(`${dead} dies`),
        siteNamed: (id) => [...world.#sites.values()].find((one) => world.#onlooker.notes(one).id === id)?.name,
      });
      world.#sites.set(name, site);
      for (const peer of world.#peersOf(name)) await site.addPeer(peer);
      world.#onlooker.notes(site);
    }
    return world;
  }

  get complaints(): readonly string[] {
    return [...this.#defects, ...this.#onlooker.complaints];
  }

  get replicated(): number {
    return this.#onlooker.replicated;
  }

  get made(): { id: string; site: string }[] {
    return [...this.#sites.values()].flatMap((site) => {
      const { id, versions } = this.#onlooker.notes(site);
      const own = [...versions.values()].filter(({ origin }) => origin === id);
      return own.map((version) => ({ id: version.id, site: site.name }));
    });
  }

  async run(): Promise<void> {
    const plan = this.#plan;
    for (const site of this.#sites.values()) await site.serve(this.#peersOf(site.name));
    await this.#meet();
    this.#silence();
    this.#network.faults = plan.network;
    for (const act of plan.acts) this.#timeline.after(act.atMs, () => this.#act(act));
    for (const mishap of plan.mishaps) this.#timeline.after(mishap.atMs, () => this.#happen(mishap));
    for (const mishap of plan.mishaps) {
      const site = mishap.kind === 'restore' ? this.#sites.get(mishap.site) : undefined;
      if (mishap.kind === 'restore' && site !== undefined)
        this.#timeline.after(mishap.copiedMs, () => this.#backUp(site));
    }
    await this.#pass(plan.healMs);
    if (this.complaints.length > 0) return;
    await this.#heal();
    await this.#converge();
    if (this.complaints.length > 0) return;
    const before = this.sent.length;
    await this.#pass(SILENCE_MS);
    if (this.sent.length > before)
      this.#defects.push(`${this.sent.length - before} entries were sent after all was said`);
  }

  async close(): Promise<void> {
    this.givenUp = [...this.#sites.values()].reduce((sum, { view }) => sum + view.givenUp(), 0);
    for (const site of this.#sites.values()) await site.close();
  }

  #peersOf(name: string): string[] {
    return this.#plan.topology.ways.filter(([from]) => from === name).map(([, to]) => to);
  }

  /** Lets time go by, and looks at all sites after each step. */
  async #pass(ms: number): Promise<void> {
    const untilMs = this.#timeline.elapsedMs + ms;
    await this.#timeline.settle();
    while (this.complaints.length === 0 && (await this.#timeline.step(untilMs))) {
      for (const site of this.#sites.values()) this.#onlooker.look(site);
      this.#onlooker.judgeReplicated(this.#sites);
    }
  }

  #act(act: Act): void {
    const site = this.#sites.get(act.site);
    if (site?.running === undefined) return;
    this.#say(`${act.site}: ${act.kind} ${act.name}`);
    const { process } = site.running;
    this.#clients
      .act(
        act,
        site,
        (told) => {
          if (!process.isAlive) return;
          this.#say(`${act.site}: ${act.kind} ${act.name}: ${told.kind}${'version' in told ? ` ${told.version}` : ''}`);
          this.#onlooker.tell(act.site, told);
        },
        (list) => this.#random.pick(list),
      )
      .catch((error: unknown) => this.#defect(error));
  }

  #happen(mishap: Mishap): void {
    if (mishap.kind === 'cut') {
      const { from, to } = mishap;
      this.#say(`nothing goes from ${from} to ${to} for ${mishap.untilMs - mishap.atMs} ms`);
      this.#network.cut(from, to);
      this.#timeline.after(mishap.untilMs - mishap.atMs, () => this.#network.mend(from, to));
      return;
    }
    const site = this.#sites.get(mishap.site);
    if (mishap.kind !== 'crash') return this.#lose(mishap, site);
    if (site?.running === undefined) return;
    const { process } = site.running;
    const { atCall } = mishap;
    if (atCall === undefined) process.kill();
    else process.death = { atCall: process.calls + atCall.after, moment: atCall.moment };
    this.#timeline.after(mishap.untilMs - mishap.atMs, () => {
      process.death = undefined;
      if (process.isAlive || site.running !== undefined) return;
      if (mishap.losesPower) site.losePower();
      void this.#restart(site);
    });
  }

  #lose({ kind, atMs, untilMs }: Exclude<Mishap, { kind: 'cut' | 'crash' }>, site: SimulatedSite | undefined): void {
    if (site === undefined) return;
    site.kill();
    this.#timeline.after(
      untilMs - atMs,
      () => void this.#replace(kind, site).catch((error: unknown) => this.#defect(error)),
    );
  }

  async #replace(kind: 'restore' | 'wipe', site: SimulatedSite): Promise<void> {
    await this.#restarting;
    this.#say(`${site.name} ${kind === 'wipe' ? 'begins with nothing' : 'begins with an older copy of its catalog'}`);
    site.kill();
    if (kind === 'restore') await site.restore();
    else await site.wipe();
    this.#onlooker.forget(site, kind === 'restore' ? (this.#queuedBefore.get(site.name) ?? new Map()) : new Map());
    if (kind === 'wipe') for (const peer of this.#peersOf(site.name)) await site.addPeer(peer);
    await this.#restart(site);
  }

  #backUp(site: SimulatedSite): void {
    this.#onlooker.look(site);
    const { queued } = this.#onlooker.notes(site);
    this.#queuedBefore.set(site.name, new Map([...queued].map(([peer, places]) => [peer, new Set(places)])));
    site.backUp();
  }

  #restart(site: SimulatedSite): Promise<void> {
    this.#restarting = this.#restarting.then(() => this.#start(site));
    return this.#restarting;
  }

  async #start(site: SimulatedSite): Promise<void> {
    if (site.isServing) return;
    this.#say(`${site.name} starts`);
    try {
      await site.start();
      await site.serve(this.#peersOf(site.name));
    } catch (error) {
      this.#defect(error);
    }
  }

  async #heal(): Promise<void> {
    this.#say('faults stop');
    this.#network.heal();
    this.#silence();
    this.#network.faults = NO_NETWORK_FAULTS;
    for (const site of this.#sites.values()) {
      if (site.running === undefined) await this.#restart(site);
      else site.running.process.death = undefined;
    }
  }

  /** All have said hello, and were compared: what is written meanwhile may be sent twice. */
  async #meet(): Promise<void> {
    await this.#pass(BEGIN_MS);
    for (let passed = 0; passed < MET_MS_MAX && this.complaints.length === 0; passed += BEGIN_MS) {
      if ([...this.#sites.values()].every((site) => this.#isQuiet(site))) return;
      await this.#pass(BEGIN_MS);
    }
  }

  #silence(): void {
    for (const [from, to] of this.#plan.silent) this.#network.cut(from, to);
  }

  async #converge(): Promise<void> {
    for (let passed = 0; passed < CONVERGED_MS_MAX && this.complaints.length === 0; passed += LOOK_MS) {
      await this.#pass(LOOK_MS);
      if ([...this.#sites.values()].every((site) => this.#isQuiet(site))) break;
    }
    // What was late on its way comes, and clients that were still waiting are answered.
    while (this.#network.underWay > 0 && this.complaints.length === 0) await this.#pass(LOOK_MS);
    await this.#pass(SPREAD_MS);
    if (this.complaints.length > 0) return;
    const ending = await describeEnding([...this.#sites.values()], this.#onlooker, this.#plan);
    this.#defects.push(...checkConvergence(ending));
    if (this.#plan.hasFaults) return;
    const { shape, bothWays } = this.#plan.topology;
    this.#defects.push(...checkDeliveries(this.sent, { oncePerSite: shape !== 'ring' || !bothWays }));
  }

  /** Nothing waits, and all that its peers lack, as they are now, was looked for. */
  #isQuiet({ name: from, view }: SimulatedSite): boolean {
    const hears = (peer: string): boolean => !this.#plan.silent.some(([silent, to]) => silent === from && to === peer);
    if (view.outbox().some(({ peer }) => hears(peer))) return false;
    if (view.fetches().some(({ change }) => this.#onlooker.isAnywhere(change))) return false;
    return view
      .peers()
      .filter(({ name }) => hears(name))
      .every(
        ({ name, isComparing, isPassedOver, life }) =>
          !isComparing && !(isPassedOver && this.#plan.hasFaults) && life === this.#sites.get(name)?.view.life(),
      );
  }

  #note(delivery: Delivery): void {
    const { from, to } = delivery;
    if ('operation' in delivery) {
      const ids = this.#onlooker.idsOf(delivery.operation);
      // Asked for at two sites, a write has made two versions, and their bytes are not told apart.
      if (ids.length === 1) this.sent.push({ from, to, id: ids[0] as string, withBytes: true });
      this.#say(`${from} → ${to}: the bytes of ${ids.join(' and ')}`);
      return;
    }
    const lines = delivery.batch.entries.map(({ entry, bytes }) => {
      const id = idOf(entry.dot);
      this.sent.push({ from, to, id, withBytes: bytes !== undefined });
      return bytes === undefined ? id : `${id}+bytes`;
    });
    this.#say(`${from} → ${to}: ${lines.join(', ')}`);
  }

  #defect(error: unknown): void {
    this.#defects.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  #say(line: string): void {
    this.story.push(`${String(this.#timeline.elapsedMs).padStart(6)} ${line}`);
  }
}
