// One clock for all parts of an app: const clock = sharedClock(app). Put before a part's own script.
//
// Its events: "time" at every animation frame while playing and after every jump; "state" when playing, duration,
// readiness or sound changes. It keeps time by whichever player runs, of which there is one at most: the viewer's sound,
// or the video where that can be seen. The others wait at the same moment. Paused, it is exact: after seek(t) its time
// is t.
class Clock extends EventTarget {
  static players = ".viewer audio, #kmtalk-video video";
  static hair = 0.001; // seconds after a frame's first moment, so that rounding cannot show the frame before
  static near = 0.02; // seconds: closer than this, two players stand at the same moment
  static rest = 0.3; // seconds before the end in which nothing changes hands any more

  #app;
  #master = null; // the player that runs, or ran last
  #position = 0; // where all stand while none runs
  #duration = 0;
  #running = 0;
  #offered = new WeakSet(); // videos that were to take over; one that the browser refuses is not asked again
  #asked = new WeakMap(); // player -> the moment this clock sent it to, which tells its own jumps from the user's
  #sound = { muted: false, volume: 1 };

  constructor(app) {
    super();
    this.#app = app;
    const handlers = {
      loadedmetadata: (player) => this.#join(player),
      play: (player) => this.#lead(player),
      pause: (player) => this.#rest(player),
      ended: (player) => this.#rest(player),
      seeking: (player) => this.#jump(player),
      volumechange: (player) => this.#hear(player),
      emptied: () => this.#tell("state"),
    };
    for (const [name, handle] of Object.entries(handlers)) {
      // Media events do not bubble, but they are captured.
      app.addEventListener(name, ({ target }) => target.matches(Clock.players) && handle(target), true);
    }
  }

  /** Seconds from the start. */
  get time() {
    return this.playing ? Math.min(this.#master.currentTime, this.duration) : this.#position;
  }

  /** Seconds; what a part has set, or else the length of what can be played. */
  get duration() {
    return this.#duration || this.#ready()[0]?.duration || 0;
  }

  set duration(seconds) {
    if (seconds === this.#duration) return;
    this.#duration = seconds;
    this.#position = Math.min(this.#position, seconds);
    this.#tell("state");
  }

  get playing() {
    return Boolean(this.#master?.isConnected && !this.#master.paused && !this.#master.ended);
  }

  /** Whether there is anything to play. */
  get ready() {
    return this.#ready().length > 0;
  }

  get muted() {
    return this.#sound.muted;
  }

  set muted(muted) {
    this.#sound.muted = muted;
    for (const player of this.#all()) player.muted = muted;
    this.#tell("state");
  }

  /** Play the video where one can be seen, else the sound; resolves to whether the browser let it. */
  async play() {
    const player = this.#video() ?? this.#ready()[0];
    if (!player) return false;
    if (this.#position >= this.duration - Clock.near) this.seek(0);
    this.#send(player, this.time);
    return player.play().then(() => true, () => false);
  }

  pause() {
    if (this.playing) this.#master.pause();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(seconds) {
    this.#position = Math.min(Math.max(seconds, 0), this.duration || Infinity);
    for (const player of this.#ready()) this.#send(player, this.#position);
    this.#tell("time");
  }

  #all = () => [...this.#app.querySelectorAll(Clock.players)];
  #ready = () => this.#all().filter((player) => player.readyState > 0);
  #video = () => this.#ready().find((player) => player.localName === "video" && player.checkVisibility());
  #tell = (name) => this.dispatchEvent(new Event(name));

  #send(player, seconds) {
    const moment = Math.min(seconds + Clock.hair, player.duration || Infinity);
    if (Math.abs(player.currentTime - moment) < 2 * Clock.hair) return;
    this.#asked.set(player, moment);
    player.currentTime = moment;
  }

  #join(player) {
    Object.assign(player, this.#sound);
    player.playsInline = true; // on a phone, pressing play elsewhere must not open the video over the page
    if (player.paused) this.#send(player, this.time);
    this.#tell("state");
  }

  #lead(player) {
    const before = this.playing && player !== this.#master ? this.#master : null;
    const now = this.time;
    const over = now >= this.duration - Clock.near; // then the player starts over by itself
    if (!over && Math.abs(player.currentTime - now) > Clock.near) this.#send(player, now);
    this.#master = player;
    before?.pause();
    this.#tell("state");
    this.#run();
  }

  #rest(player) {
    if (player !== this.#master) return;
    cancelAnimationFrame(this.#running);
    this.seek(player.ended ? this.duration : player.currentTime);
    this.#tell("state");
  }

  #jump(player) {
    const asked = this.#asked.get(player);
    this.#asked.delete(player);
    const stands = (seconds) => Math.abs(player.currentTime - seconds) < Clock.near;
    if (!stands(asked) && !stands(this.time)) this.seek(player.currentTime);
  }

  #hear({ muted, volume }) {
    if (muted === this.#sound.muted && volume === this.#sound.volume) return;
    this.#sound = { muted, volume };
    for (const player of this.#all()) Object.assign(player, this.#sound);
    this.#tell("state");
  }

  // A video that came while the sound played, or that the visitor turned to, goes on in its place.
  #handOver() {
    const video = this.#video();
    if (!video || video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA || this.#offered.has(video)) return;
    this.#offered.add(video);
    this.#send(video, this.time);
    video.play().then(() => this.#offered.delete(video), () => {});
  }

  #run() {
    cancelAnimationFrame(this.#running);
    if (!this.playing) return this.#tell("state"); // the player was taken off the page
    this.#position = this.time;
    this.#tell("time");
    if (this.#master.localName !== "video" && this.#position < this.duration - Clock.rest) this.#handOver();
    this.#running = requestAnimationFrame(() => this.#run());
  }
}

function sharedClock(app) {
  const name = Symbol.for("kmtalk clock"); // each part brings its own copy of this script; the app has one clock
  app[name] ??= new Clock(app);
  return app[name];
}
