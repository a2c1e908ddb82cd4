"use strict";
var __create = Object.create;
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getProtoOf = Object.getPrototypeOf, __hasOwnProp = Object.prototype.hasOwnProperty;
var __esm = (fn, res, err) => function() {
  if (err) throw err[0];
  try {
    return fn && (res = (0, fn[__getOwnPropNames(fn)[0]])(fn = 0)), res;
  } catch (e) {
    throw err = [e], e;
  }
};
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: !0 });
}, __copyProps = (to, from, except, desc) => {
  if (from && typeof from == "object" || typeof from == "function")
    for (let key of __getOwnPropNames(from))
      !__hasOwnProp.call(to, key) && key !== except && __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  return to;
};
var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
  // If the importer is in node compatibility mode or this is not an ESM
  // file that has been converted to a CommonJS file using a Babel-
  // compatible transform (i.e. "__esModule" has not been set), then set
  // "default" to the CommonJS "module.exports" for node compatibility.
  isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: !0 }) : target,
  mod
));

// node_modules/@opentelemetry/api/build/esm/version.js
var VERSION, init_version = __esm({
  "node_modules/@opentelemetry/api/build/esm/version.js"() {
    VERSION = "1.9.1";
  }
});

// node_modules/@opentelemetry/api/build/esm/internal/semver.js
function _makeCompatibilityCheck(ownVersion) {
  let acceptedVersions = /* @__PURE__ */ new Set([ownVersion]), rejectedVersions = /* @__PURE__ */ new Set(), myVersionMatch = ownVersion.match(re);
  if (!myVersionMatch)
    return () => !1;
  let ownVersionParsed = {
    major: +myVersionMatch[1],
    minor: +myVersionMatch[2],
    patch: +myVersionMatch[3],
    prerelease: myVersionMatch[4]
  };
  if (ownVersionParsed.prerelease != null)
    return function(globalVersion) {
      return globalVersion === ownVersion;
    };
  function _reject(v2) {
    return rejectedVersions.add(v2), !1;
  }
  function _accept(v2) {
    return acceptedVersions.add(v2), !0;
  }
  return function(globalVersion) {
    if (acceptedVersions.has(globalVersion))
      return !0;
    if (rejectedVersions.has(globalVersion))
      return !1;
    let globalVersionMatch = globalVersion.match(re);
    if (!globalVersionMatch)
      return _reject(globalVersion);
    let globalVersionParsed = {
      major: +globalVersionMatch[1],
      minor: +globalVersionMatch[2],
      patch: +globalVersionMatch[3],
      prerelease: globalVersionMatch[4]
    };
    return globalVersionParsed.prerelease != null || ownVersionParsed.major !== globalVersionParsed.major ? _reject(globalVersion) : ownVersionParsed.major === 0 ? ownVersionParsed.minor === globalVersionParsed.minor && ownVersionParsed.patch <= globalVersionParsed.patch ? _accept(globalVersion) : _reject(globalVersion) : ownVersionParsed.minor <= globalVersionParsed.minor ? _accept(globalVersion) : _reject(globalVersion);
  };
}
var re, isCompatible, init_semver = __esm({
  "node_modules/@opentelemetry/api/build/esm/internal/semver.js"() {
    init_version();
    re = /^(\d+)\.(\d+)\.(\d+)(-(.+))?$/;
    isCompatible = _makeCompatibilityCheck(VERSION);
  }
});

// node_modules/@opentelemetry/api/build/esm/internal/global-utils.js
function registerGlobal(type, instance, diag2, allowOverride = !1) {
  var _a3;
  let api = _global[GLOBAL_OPENTELEMETRY_API_KEY] = (_a3 = _global[GLOBAL_OPENTELEMETRY_API_KEY]) !== null && _a3 !== void 0 ? _a3 : {
    version: VERSION
  };
  if (!allowOverride && api[type]) {
    let err = new Error(`@opentelemetry/api: Attempted duplicate registration of API: ${type}`);
    return diag2.error(err.stack || err.message), !1;
  }
  if (api.version !== VERSION) {
    let err = new Error(`@opentelemetry/api: Registration of version v${api.version} for ${type} does not match previously registered API v${VERSION}`);
    return diag2.error(err.stack || err.message), !1;
  }
  return api[type] = instance, diag2.debug(`@opentelemetry/api: Registered a global for ${type} v${VERSION}.`), !0;
}
function getGlobal(type) {
  var _a3, _b;
  let globalVersion = (_a3 = _global[GLOBAL_OPENTELEMETRY_API_KEY]) === null || _a3 === void 0 ? void 0 : _a3.version;
  if (!(!globalVersion || !isCompatible(globalVersion)))
    return (_b = _global[GLOBAL_OPENTELEMETRY_API_KEY]) === null || _b === void 0 ? void 0 : _b[type];
}
function unregisterGlobal(type, diag2) {
  diag2.debug(`@opentelemetry/api: Unregistering a global for ${type} v${VERSION}.`);
  let api = _global[GLOBAL_OPENTELEMETRY_API_KEY];
  api && delete api[type];
}
var major, GLOBAL_OPENTELEMETRY_API_KEY, _global, init_global_utils = __esm({
  "node_modules/@opentelemetry/api/build/esm/internal/global-utils.js"() {
    init_version();
    init_semver();
    major = VERSION.split(".")[0], GLOBAL_OPENTELEMETRY_API_KEY = /* @__PURE__ */ Symbol.for(`opentelemetry.js.api.${major}`), _global = typeof globalThis == "object" ? globalThis : typeof self == "object" ? self : typeof window == "object" ? window : typeof global == "object" ? global : {};
  }
});

// node_modules/@opentelemetry/api/build/esm/diag/ComponentLogger.js
function logProxy(funcName, namespace, args) {
  let logger = getGlobal("diag");
  if (logger)
    return logger[funcName](namespace, ...args);
}
var DiagComponentLogger, init_ComponentLogger = __esm({
  "node_modules/@opentelemetry/api/build/esm/diag/ComponentLogger.js"() {
    init_global_utils();
    DiagComponentLogger = class {
      constructor(props) {
        this._namespace = props.namespace || "DiagComponentLogger";
      }
      debug(...args) {
        return logProxy("debug", this._namespace, args);
      }
      error(...args) {
        return logProxy("error", this._namespace, args);
      }
      info(...args) {
        return logProxy("info", this._namespace, args);
      }
      warn(...args) {
        return logProxy("warn", this._namespace, args);
      }
      verbose(...args) {
        return logProxy("verbose", this._namespace, args);
      }
    };
  }
});

// node_modules/@opentelemetry/api/build/esm/diag/types.js
var DiagLogLevel, init_types = __esm({
  "node_modules/@opentelemetry/api/build/esm/diag/types.js"() {
    (function(DiagLogLevel2) {
      DiagLogLevel2[DiagLogLevel2.NONE = 0] = "NONE", DiagLogLevel2[DiagLogLevel2.ERROR = 30] = "ERROR", DiagLogLevel2[DiagLogLevel2.WARN = 50] = "WARN", DiagLogLevel2[DiagLogLevel2.INFO = 60] = "INFO", DiagLogLevel2[DiagLogLevel2.DEBUG = 70] = "DEBUG", DiagLogLevel2[DiagLogLevel2.VERBOSE = 80] = "VERBOSE", DiagLogLevel2[DiagLogLevel2.ALL = 9999] = "ALL";
    })(DiagLogLevel || (DiagLogLevel = {}));
  }
});

// node_modules/@opentelemetry/api/build/esm/diag/internal/logLevelLogger.js
function createLogLevelDiagLogger(maxLevel, logger) {
  maxLevel < DiagLogLevel.NONE ? maxLevel = DiagLogLevel.NONE : maxLevel > DiagLogLevel.ALL && (maxLevel = DiagLogLevel.ALL), logger = logger || {};
  function _filterFunc(funcName, theLevel) {
    let theFunc = logger[funcName];
    return typeof theFunc == "function" && maxLevel >= theLevel ? theFunc.bind(logger) : function() {
    };
  }
  return {
    error: _filterFunc("error", DiagLogLevel.ERROR),
    warn: _filterFunc("warn", DiagLogLevel.WARN),
    info: _filterFunc("info", DiagLogLevel.INFO),
    debug: _filterFunc("debug", DiagLogLevel.DEBUG),
    verbose: _filterFunc("verbose", DiagLogLevel.VERBOSE)
  };
}
var init_logLevelLogger = __esm({
  "node_modules/@opentelemetry/api/build/esm/diag/internal/logLevelLogger.js"() {
    init_types();
  }
});

// node_modules/@opentelemetry/api/build/esm/api/diag.js
var API_NAME, DiagAPI, init_diag = __esm({
  "node_modules/@opentelemetry/api/build/esm/api/diag.js"() {
    init_ComponentLogger();
    init_logLevelLogger();
    init_types();
    init_global_utils();
    API_NAME = "diag", DiagAPI = class _DiagAPI {
      /** Get the singleton instance of the DiagAPI API */
      static instance() {
        return this._instance || (this._instance = new _DiagAPI()), this._instance;
      }
      /**
       * Private internal constructor
       * @private
       */
      constructor() {
        function _logProxy(funcName) {
          return function(...args) {
            let logger = getGlobal("diag");
            if (logger)
              return logger[funcName](...args);
          };
        }
        let self2 = this, setLogger = (logger, optionsOrLogLevel = { logLevel: DiagLogLevel.INFO }) => {
          var _a3, _b, _c;
          if (logger === self2) {
            let err = new Error("Cannot use diag as the logger for itself. Please use a DiagLogger implementation like ConsoleDiagLogger or a custom implementation");
            return self2.error((_a3 = err.stack) !== null && _a3 !== void 0 ? _a3 : err.message), !1;
          }
          typeof optionsOrLogLevel == "number" && (optionsOrLogLevel = {
            logLevel: optionsOrLogLevel
          });
          let oldLogger = getGlobal("diag"), newLogger = createLogLevelDiagLogger((_b = optionsOrLogLevel.logLevel) !== null && _b !== void 0 ? _b : DiagLogLevel.INFO, logger);
          if (oldLogger && !optionsOrLogLevel.suppressOverrideMessage) {
            let stack = (_c = new Error().stack) !== null && _c !== void 0 ? _c : "<failed to generate stacktrace>";
            oldLogger.warn(`Current logger will be overwritten from ${stack}`), newLogger.warn(`Current logger will overwrite one already registered from ${stack}`);
          }
          return registerGlobal("diag", newLogger, self2, !0);
        };
        self2.setLogger = setLogger, self2.disable = () => {
          unregisterGlobal(API_NAME, self2);
        }, self2.createComponentLogger = (options) => new DiagComponentLogger(options), self2.verbose = _logProxy("verbose"), self2.debug = _logProxy("debug"), self2.info = _logProxy("info"), self2.warn = _logProxy("warn"), self2.error = _logProxy("error");
      }
    };
  }
});

// node_modules/@opentelemetry/api/build/esm/metrics/NoopMeter.js
function createNoopMeter() {
  return NOOP_METER;
}
var NoopMeter, NoopMetric, NoopCounterMetric, NoopUpDownCounterMetric, NoopGaugeMetric, NoopHistogramMetric, NoopObservableMetric, NoopObservableCounterMetric, NoopObservableGaugeMetric, NoopObservableUpDownCounterMetric, NOOP_METER, NOOP_COUNTER_METRIC, NOOP_GAUGE_METRIC, NOOP_HISTOGRAM_METRIC, NOOP_UP_DOWN_COUNTER_METRIC, NOOP_OBSERVABLE_COUNTER_METRIC, NOOP_OBSERVABLE_GAUGE_METRIC, NOOP_OBSERVABLE_UP_DOWN_COUNTER_METRIC, init_NoopMeter = __esm({
  "node_modules/@opentelemetry/api/build/esm/metrics/NoopMeter.js"() {
    NoopMeter = class {
      constructor() {
      }
      /**
       * @see {@link Meter.createGauge}
       */
      createGauge(_name, _options) {
        return NOOP_GAUGE_METRIC;
      }
      /**
       * @see {@link Meter.createHistogram}
       */
      createHistogram(_name, _options) {
        return NOOP_HISTOGRAM_METRIC;
      }
      /**
       * @see {@link Meter.createCounter}
       */
      createCounter(_name, _options) {
        return NOOP_COUNTER_METRIC;
      }
      /**
       * @see {@link Meter.createUpDownCounter}
       */
      createUpDownCounter(_name, _options) {
        return NOOP_UP_DOWN_COUNTER_METRIC;
      }
      /**
       * @see {@link Meter.createObservableGauge}
       */
      createObservableGauge(_name, _options) {
        return NOOP_OBSERVABLE_GAUGE_METRIC;
      }
      /**
       * @see {@link Meter.createObservableCounter}
       */
      createObservableCounter(_name, _options) {
        return NOOP_OBSERVABLE_COUNTER_METRIC;
      }
      /**
       * @see {@link Meter.createObservableUpDownCounter}
       */
      createObservableUpDownCounter(_name, _options) {
        return NOOP_OBSERVABLE_UP_DOWN_COUNTER_METRIC;
      }
      /**
       * @see {@link Meter.addBatchObservableCallback}
       */
      addBatchObservableCallback(_callback, _observables) {
      }
      /**
       * @see {@link Meter.removeBatchObservableCallback}
       */
      removeBatchObservableCallback(_callback) {
      }
    }, NoopMetric = class {
    }, NoopCounterMetric = class extends NoopMetric {
      add(_value, _attributes) {
      }
    }, NoopUpDownCounterMetric = class extends NoopMetric {
      add(_value, _attributes) {
      }
    }, NoopGaugeMetric = class extends NoopMetric {
      record(_value, _attributes) {
      }
    }, NoopHistogramMetric = class extends NoopMetric {
      record(_value, _attributes) {
      }
    }, NoopObservableMetric = class {
      addCallback(_callback) {
      }
      removeCallback(_callback) {
      }
    }, NoopObservableCounterMetric = class extends NoopObservableMetric {
    }, NoopObservableGaugeMetric = class extends NoopObservableMetric {
    }, NoopObservableUpDownCounterMetric = class extends NoopObservableMetric {
    }, NOOP_METER = new NoopMeter(), NOOP_COUNTER_METRIC = new NoopCounterMetric(), NOOP_GAUGE_METRIC = new NoopGaugeMetric(), NOOP_HISTOGRAM_METRIC = new NoopHistogramMetric(), NOOP_UP_DOWN_COUNTER_METRIC = new NoopUpDownCounterMetric(), NOOP_OBSERVABLE_COUNTER_METRIC = new NoopObservableCounterMetric(), NOOP_OBSERVABLE_GAUGE_METRIC = new NoopObservableGaugeMetric(), NOOP_OBSERVABLE_UP_DOWN_COUNTER_METRIC = new NoopObservableUpDownCounterMetric();
  }
});

// node_modules/@opentelemetry/api/build/esm/trace/trace_flags.js
var TraceFlags, init_trace_flags = __esm({
  "node_modules/@opentelemetry/api/build/esm/trace/trace_flags.js"() {
    (function(TraceFlags2) {
      TraceFlags2[TraceFlags2.NONE = 0] = "NONE", TraceFlags2[TraceFlags2.SAMPLED = 1] = "SAMPLED";
    })(TraceFlags || (TraceFlags = {}));
  }
});

// node_modules/@opentelemetry/api/build/esm/trace/span_kind.js
var SpanKind, init_span_kind = __esm({
  "node_modules/@opentelemetry/api/build/esm/trace/span_kind.js"() {
    (function(SpanKind2) {
      SpanKind2[SpanKind2.INTERNAL = 0] = "INTERNAL", SpanKind2[SpanKind2.SERVER = 1] = "SERVER", SpanKind2[SpanKind2.CLIENT = 2] = "CLIENT", SpanKind2[SpanKind2.PRODUCER = 3] = "PRODUCER", SpanKind2[SpanKind2.CONSUMER = 4] = "CONSUMER";
    })(SpanKind || (SpanKind = {}));
  }
});

// node_modules/@opentelemetry/api/build/esm/trace/status.js
var SpanStatusCode, init_status = __esm({
  "node_modules/@opentelemetry/api/build/esm/trace/status.js"() {
    (function(SpanStatusCode2) {
      SpanStatusCode2[SpanStatusCode2.UNSET = 0] = "UNSET", SpanStatusCode2[SpanStatusCode2.OK = 1] = "OK", SpanStatusCode2[SpanStatusCode2.ERROR = 2] = "ERROR";
    })(SpanStatusCode || (SpanStatusCode = {}));
  }
});

// node_modules/@opentelemetry/api/build/esm/diag-api.js
var diag, init_diag_api = __esm({
  "node_modules/@opentelemetry/api/build/esm/diag-api.js"() {
    init_diag();
    diag = DiagAPI.instance();
  }
});

// node_modules/@opentelemetry/api/build/esm/index.js
var init_esm = __esm({
  "node_modules/@opentelemetry/api/build/esm/index.js"() {
    init_NoopMeter();
    init_span_kind();
    init_status();
    init_trace_flags();
    init_diag_api();
  }
});

// src/hook/main.ts
var import_node_os2 = require("node:os");

// src/config/paths.ts
var import_node_path = require("node:path");
function pathsFor({ home, env, platform, managed }) {
  let { join: join16, isAbsolute: isAbsolute2 } = platform === "win32" ? import_node_path.win32 : import_node_path.posix, base = (variable, fallback) => {
    let value = env[variable];
    return value !== void 0 && isAbsolute2(value) ? value : join16(home, ...fallback);
  };
  return {
    config: join16(base("XDG_CONFIG_HOME", [".config"]), "trace-build", "config.json"),
    managed: managed ?? managedPath(platform, env),
    state: join16(base("XDG_STATE_HOME", [".local", "state"]), "trace-build"),
    data: join16(base("XDG_DATA_HOME", [".local", "share"]), "trace-build")
  };
}
function managedPath(platform, env) {
  return platform === "win32" ? import_node_path.win32.join(env.ProgramData || "C:\\ProgramData", "trace-build", "config.json") : platform === "darwin" ? "/Library/Application Support/trace-build/config.json" : "/etc/trace-build/config.json";
}
var expanded = (path2, home) => /^~(?:$|[\\/])/.test(path2) ? `${home}${path2.slice(1)}` : path2;

// src/hook/worker.ts
var import_node_path17 = require("node:path");

// src/disk/files.ts
var import_node_fs = require("node:fs"), import_node_path2 = require("node:path");
function writePrivate(path2, text3) {
  let target = endOf(path2), folder = (0, import_node_path2.dirname)(target);
  (0, import_node_fs.mkdirSync)(folder, { recursive: !0, mode: 448 });
  let temporary = (0, import_node_path2.join)(folder, `.${(0, import_node_path2.basename)(target)}.${process.pid}.${process.hrtime.bigint()}.tmp`);
  try {
    writeThrough(temporary, text3), (0, import_node_fs.renameSync)(temporary, target);
  } catch (error) {
    throw (0, import_node_fs.rmSync)(temporary, { force: !0 }), error;
  }
}
function readIfThere(path2) {
  try {
    return (0, import_node_fs.readFileSync)(path2, "utf8");
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
}
function removeHalfWritten(folder, beforeMs) {
  for (let path2 of (0, import_node_fs.readdirSync)(folder, { recursive: !0, encoding: "utf8" })) {
    if (!/^\..+\.\d+\.\d+\.tmp$/.test((0, import_node_path2.basename)(path2))) continue;
    let stats = (0, import_node_fs.statSync)((0, import_node_path2.join)(folder, path2), { throwIfNoEntry: !1 });
    stats?.isFile() && stats.mtimeMs < beforeMs && (0, import_node_fs.rmSync)((0, import_node_path2.join)(folder, path2), { force: !0 });
  }
}
function writeThrough(path2, text3) {
  let file = (0, import_node_fs.openSync)(path2, "wx", 384);
  try {
    let bytes = Buffer.from(text3);
    for (let at = 0; at < bytes.length; ) at += (0, import_node_fs.writeSync)(file, bytes, at);
    (0, import_node_fs.fsyncSync)(file);
  } finally {
    (0, import_node_fs.closeSync)(file);
  }
}
function endOf(path2) {
  try {
    return (0, import_node_fs.realpathSync)(path2);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  let link = linkAt(path2);
  return link === void 0 ? path2 : endOf((0, import_node_path2.resolve)((0, import_node_fs.realpathSync)((0, import_node_path2.dirname)(path2)), link));
}
function linkAt(path2) {
  try {
    return (0, import_node_fs.readlinkSync)(path2);
  } catch {
    return;
  }
}
var isMissing = (error) => ["ENOENT", "ENOTDIR"].includes(error.code ?? "");

// src/errors.ts
var UserError = class extends Error {
  /** What to do about it. */
  hint;
  constructor(message, hint) {
    super(message), this.name = "UserError", this.hint = hint;
  }
};

// node_modules/zod/v4/core/util.js
var util_exports = {};
__export(util_exports, {
  BIGINT_FORMAT_RANGES: () => BIGINT_FORMAT_RANGES,
  CONSTANT_CATCH: () => CONSTANT_CATCH,
  Class: () => Class,
  NUMBER_FORMAT_RANGES: () => NUMBER_FORMAT_RANGES,
  aborted: () => aborted,
  allowsEval: () => allowsEval,
  assert: () => assert,
  assertEqual: () => assertEqual,
  assertIs: () => assertIs,
  assertNever: () => assertNever,
  assertNotEqual: () => assertNotEqual,
  assignProp: () => assignProp,
  attachSchema: () => attachSchema,
  base64ToUint8Array: () => base64ToUint8Array,
  base64urlToUint8Array: () => base64urlToUint8Array,
  cached: () => cached,
  captureStackTrace: () => captureStackTrace,
  cleanEnum: () => cleanEnum,
  cleanRegex: () => cleanRegex,
  clone: () => clone,
  cloneDef: () => cloneDef,
  codePointLength: () => codePointLength,
  constantCatch: () => constantCatch,
  createTransparentProxy: () => createTransparentProxy,
  defineLazy: () => defineLazy,
  defineLazyInternal: () => defineLazyInternal,
  derived: () => derived,
  esc: () => esc,
  escapeRegex: () => escapeRegex,
  explicitlyAborted: () => explicitlyAborted,
  extend: () => extend,
  finalizeIssue: () => finalizeIssue,
  floatSafeRemainder: () => floatSafeRemainder,
  getElementAtPath: () => getElementAtPath,
  getEnumValues: () => getEnumValues,
  getLengthableOrigin: () => getLengthableOrigin,
  getParsedType: () => getParsedType,
  getSizableOrigin: () => getSizableOrigin,
  hexToUint8Array: () => hexToUint8Array,
  hide: () => hide,
  installLazyProp: () => installLazyProp,
  isObject: () => isObject,
  isPlainObject: () => isPlainObject,
  issue: () => issue,
  joinValues: () => joinValues,
  jsonStringifyReplacer: () => jsonStringifyReplacer,
  members: () => members,
  merge: () => merge,
  mergeDefs: () => mergeDefs,
  normalizeParams: () => normalizeParams,
  nullish: () => nullish,
  numKeys: () => numKeys,
  objectClone: () => objectClone,
  omit: () => omit,
  optionalKeys: () => optionalKeys,
  own: () => own,
  parsedType: () => parsedType,
  partial: () => partial,
  pick: () => pick,
  prefixIssues: () => prefixIssues,
  primitiveTypes: () => primitiveTypes,
  promiseAllObject: () => promiseAllObject,
  propertyKeyTypes: () => propertyKeyTypes,
  randomString: () => randomString,
  rawShape: () => rawShape,
  required: () => required,
  safeExtend: () => safeExtend,
  shallowClone: () => shallowClone,
  sizeCaps: () => sizeCaps,
  slugify: () => slugify,
  stringifyPrimitive: () => stringifyPrimitive,
  toZod: () => toZod,
  uint8ArrayToBase64: () => uint8ArrayToBase64,
  uint8ArrayToBase64url: () => uint8ArrayToBase64url,
  uint8ArrayToHex: () => uint8ArrayToHex,
  unwrapMessage: () => unwrapMessage
});
function assertEqual(val) {
  return val;
}
function assertNotEqual(val) {
  return val;
}
function toZod() {
  return (schema) => schema;
}
function assertIs(_arg) {
}
function assertNever(_x) {
  throw new Error("Unexpected value in exhaustive check");
}
function assert(_) {
}
function getEnumValues(entries) {
  let numericValues = Object.values(entries).filter((v2) => typeof v2 == "number");
  return Object.entries(entries).filter(([k2, _]) => numericValues.indexOf(+k2) === -1).map(([_, v2]) => v2);
}
function joinValues(array2, separator = "|") {
  return array2.map((val) => stringifyPrimitive(val)).join(separator);
}
function jsonStringifyReplacer(_, value) {
  return typeof value == "bigint" ? value.toString() : value;
}
var Cached = class {
  constructor(getter) {
    this._getter = getter, this._value = void 0;
  }
  get value() {
    let getter = this._getter;
    return getter !== void 0 && (this._value = getter(), this._getter = void 0), this._value;
  }
};
function cached(getter) {
  return new Cached(getter);
}
function nullish(input) {
  return input == null;
}
function cleanRegex(source) {
  let start = source.startsWith("^") ? 1 : 0, end = source.endsWith("$") ? source.length - 1 : source.length;
  return source.slice(start, end);
}
function floatSafeRemainder(val, step) {
  let ratio = val / step, roundedRatio = Math.round(ratio), tolerance = 4 * Number.EPSILON * Math.max(Math.abs(ratio), 1);
  return Math.abs(ratio - roundedRatio) < tolerance ? 0 : ratio - roundedRatio;
}
var EVALUATING = /* @__PURE__ */ Symbol("evaluating");
function defineLazy(object2, key, getter) {
  let value;
  Object.defineProperty(object2, key, {
    get() {
      if (value !== EVALUATING)
        return value === void 0 && (value = EVALUATING, value = getter()), value;
    },
    set(v2) {
      Object.defineProperty(object2, key, {
        value: v2
        // configurable: true,
      });
    },
    configurable: !0
  });
}
function objectClone(obj) {
  return Object.create(Object.getPrototypeOf(obj), Object.getOwnPropertyDescriptors(obj));
}
function assignProp(target, prop, value) {
  Object.defineProperty(target, prop, {
    value,
    writable: !0,
    enumerable: !0,
    configurable: !0
  });
}
function rawShape(def) {
  let desc = Object.getOwnPropertyDescriptor(def, "shape");
  return desc?.get ? desc.get.raw : desc?.value;
}
function sourceShape(schema) {
  return rawShape(schema._zod.def) ?? schema._zod.def.shape;
}
function deferProp(target, key, getter) {
  Object.defineProperty(target, key, {
    get() {
      let value = getter();
      return assignProp(this, key, value), value;
    },
    enumerable: !0,
    configurable: !0
  });
}
function putProp(target, key, value) {
  key in target ? assignProp(target, key, value) : target[key] = value;
}
function mirrorShape(target, source, keys2, wrap) {
  let raw = sourceShape(source);
  for (let key of keys2) {
    let desc = Object.getOwnPropertyDescriptor(raw, key);
    desc.enumerable && (desc.get ? deferProp(target, key, () => {
      let value = source._zod.def.shape[key];
      return wrap ? wrap(value, key) : value;
    }) : putProp(target, key, wrap ? wrap(desc.value, key) : desc.value));
  }
}
function mirrorProps(target, source) {
  for (let key of Reflect.ownKeys(source)) {
    let desc = Object.getOwnPropertyDescriptor(source, key);
    desc.enumerable && (desc.get ? deferProp(target, key, () => source[key]) : putProp(target, key, desc.value));
  }
}
function mergeDefs(...defs) {
  let mergedDescriptors = {};
  for (let def of defs) {
    let descriptors = Object.getOwnPropertyDescriptors(def);
    Object.assign(mergedDescriptors, descriptors);
  }
  return Object.defineProperties({}, mergedDescriptors);
}
function cloneDef(schema) {
  return mergeDefs(schema._zod.def);
}
function getElementAtPath(obj, path2) {
  return path2 ? path2.reduce((acc, key) => acc?.[key], obj) : obj;
}
function promiseAllObject(promisesObj) {
  let keys2 = Object.keys(promisesObj), promises = keys2.map((key) => promisesObj[key]);
  return Promise.all(promises).then((results) => {
    let resolvedObj = {};
    for (let i = 0; i < keys2.length; i++)
      resolvedObj[keys2[i]] = results[i];
    return resolvedObj;
  });
}
function randomString(length = 10) {
  let chars = "abcdefghijklmnopqrstuvwxyz", str = "";
  for (let i = 0; i < length; i++)
    str += chars[Math.floor(Math.random() * chars.length)];
  return str;
}
function esc(str) {
  return JSON.stringify(str);
}
function slugify(input) {
  return input.toLowerCase().trim().replace(/[^\w\s-]/g, "").replace(/[\s_-]+/g, "-").replace(/^-+|-+$/g, "");
}
var captureStackTrace = "captureStackTrace" in Error ? Error.captureStackTrace : (..._args) => {
};
function isObject(data) {
  return typeof data == "object" && data !== null && !Array.isArray(data);
}
var allowsEval = /* @__PURE__ */ cached(() => {
  if (globalConfig.jitless || typeof navigator < "u" && navigator?.userAgent?.includes("Cloudflare"))
    return !1;
  try {
    let F2 = Function;
    return new F2(""), !0;
  } catch {
    return !1;
  }
});
function isPlainObject(o) {
  if (isObject(o) === !1)
    return !1;
  let ctor = o.constructor;
  if (ctor === void 0 || typeof ctor != "function")
    return !0;
  let prot = ctor.prototype;
  return !(isObject(prot) === !1 || Object.prototype.hasOwnProperty.call(prot, "isPrototypeOf") === !1);
}
function shallowClone(o) {
  return isPlainObject(o) ? { ...o } : Array.isArray(o) ? [...o] : o instanceof Map ? new Map(o) : o instanceof Set ? new Set(o) : o;
}
function numKeys(data) {
  let keyCount = 0;
  for (let key in data)
    Object.prototype.hasOwnProperty.call(data, key) && keyCount++;
  return keyCount;
}
var getParsedType = (data) => {
  let t = typeof data;
  switch (t) {
    case "undefined":
      return "undefined";
    case "string":
      return "string";
    case "number":
      return Number.isNaN(data) ? "nan" : "number";
    case "boolean":
      return "boolean";
    case "function":
      return "function";
    case "bigint":
      return "bigint";
    case "symbol":
      return "symbol";
    case "object":
      return Array.isArray(data) ? "array" : data === null ? "null" : data.then && typeof data.then == "function" && data.catch && typeof data.catch == "function" ? "promise" : typeof Map < "u" && data instanceof Map ? "map" : typeof Set < "u" && data instanceof Set ? "set" : typeof Date < "u" && data instanceof Date ? "date" : typeof File < "u" && data instanceof File ? "file" : "object";
    default:
      throw new Error(`Unknown data type: ${t}`);
  }
}, propertyKeyTypes = /* @__PURE__ */ new Set(["string", "number", "symbol"]), primitiveTypes = /* @__PURE__ */ new Set([
  "string",
  "number",
  "bigint",
  "boolean",
  "symbol",
  "undefined"
]);
function escapeRegex(str) {
  return str.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
function clone(inst, def, params) {
  let cl = new inst._zod.constr(def ?? inst._zod.def);
  return (!def || params?.parent) && (cl._zod.parent = inst), cl;
}
function normalizeParams(_params) {
  let params = _params;
  if (!params)
    return {};
  if (typeof params == "string")
    return { error: () => params };
  if (params?.message !== void 0) {
    if (params?.error !== void 0)
      throw new Error("Cannot specify both `message` and `error` params");
    params.error = params.message;
  }
  return delete params.message, typeof params.error == "string" ? { ...params, error: () => params.error } : params;
}
function createTransparentProxy(getter) {
  let target;
  return new Proxy({}, {
    get(_, prop, receiver) {
      return target ?? (target = getter()), Reflect.get(target, prop, receiver);
    },
    set(_, prop, value, receiver) {
      return target ?? (target = getter()), Reflect.set(target, prop, value, receiver);
    },
    has(_, prop) {
      return target ?? (target = getter()), Reflect.has(target, prop);
    },
    deleteProperty(_, prop) {
      return target ?? (target = getter()), Reflect.deleteProperty(target, prop);
    },
    ownKeys(_) {
      return target ?? (target = getter()), Reflect.ownKeys(target);
    },
    getOwnPropertyDescriptor(_, prop) {
      return target ?? (target = getter()), Reflect.getOwnPropertyDescriptor(target, prop);
    },
    defineProperty(_, prop, descriptor) {
      return target ?? (target = getter()), Reflect.defineProperty(target, prop, descriptor);
    }
  });
}
function stringifyPrimitive(value) {
  return typeof value == "bigint" ? value.toString() + "n" : typeof value == "string" ? `"${value}"` : `${value}`;
}
function optionalKeys(shape) {
  return Object.keys(shape).filter((k2) => shape[k2]._zod.optin !== void 0 && shape[k2]._zod.optout === "optional");
}
var NUMBER_FORMAT_RANGES = {
  safeint: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  float32: [-34028234663852886e22, 34028234663852886e22],
  float64: [-Number.MAX_VALUE, Number.MAX_VALUE]
}, BIGINT_FORMAT_RANGES = {
  int64: [/* @__PURE__ */ BigInt("-9223372036854775808"), /* @__PURE__ */ BigInt("9223372036854775807")],
  uint64: [/* @__PURE__ */ BigInt(0), /* @__PURE__ */ BigInt("18446744073709551615")]
};
function pick(schema, mask) {
  let currDef = schema._zod.def, checks = currDef.checks;
  if (checks && checks.length > 0)
    throw new Error(".pick() cannot be used on object schemas containing refinements");
  let newShape = {};
  return mirrorShape(newShape, schema, maskedKeys(schema, mask)), clone(schema, mergeDefs(currDef, { shape: newShape, checks: [] }));
}
function maskedKeys(schema, mask) {
  let raw = sourceShape(schema), keys2 = [];
  for (let key of Reflect.ownKeys(mask)) {
    if (!Object.getOwnPropertyDescriptor(raw, key)?.enumerable)
      throw new Error(`Unrecognized key: "${String(key)}"`);
    mask[key] && keys2.push(key);
  }
  return keys2;
}
function omit(schema, mask) {
  let currDef = schema._zod.def, checks = currDef.checks;
  if (checks && checks.length > 0)
    throw new Error(".omit() cannot be used on object schemas containing refinements");
  let omitted = new Set(maskedKeys(schema, mask)), newShape = {};
  return mirrorShape(newShape, schema, Reflect.ownKeys(sourceShape(schema)).filter((key) => !omitted.has(key))), clone(schema, mergeDefs(currDef, { shape: newShape, checks: [] }));
}
function extend(schema, shape) {
  if (!isPlainObject(shape))
    throw new Error("Invalid input to extend: expected a plain object");
  let checks = schema._zod.def.checks;
  if (checks && checks.length > 0) {
    let existingShape = sourceShape(schema);
    for (let key of Reflect.ownKeys(shape))
      if (Object.getOwnPropertyDescriptor(existingShape, key) !== void 0)
        throw new Error("Cannot overwrite keys on object schemas containing refinements. Use `.safeExtend()` instead.");
  }
  return clone(schema, mergeDefs(schema._zod.def, { shape: extended(schema, shape) }));
}
function extended(schema, shape) {
  let newShape = {};
  return mirrorShape(newShape, schema, Reflect.ownKeys(sourceShape(schema))), mirrorProps(newShape, shape), newShape;
}
function safeExtend(schema, shape) {
  if (!isPlainObject(shape))
    throw new Error("Invalid input to safeExtend: expected a plain object");
  return clone(schema, mergeDefs(schema._zod.def, { shape: extended(schema, shape) }));
}
function merge(a, b2) {
  if (!b2?._zod?.def)
    throw new Error("Invalid input to merge: expected an object schema. To merge a plain shape, use `.extend()`.");
  if (a._zod.def.checks?.length)
    throw new Error(".merge() cannot be used on object schemas containing refinements. Use .safeExtend() instead.");
  let newShape = {};
  mirrorShape(newShape, a, Reflect.ownKeys(sourceShape(a))), mirrorShape(newShape, b2, Reflect.ownKeys(sourceShape(b2)));
  let def = mergeDefs(a._zod.def, {
    shape: newShape,
    get catchall() {
      return b2._zod.def.catchall;
    },
    checks: b2._zod.def.checks ?? []
  });
  return clone(a, def);
}
function partial(Class2, schema, mask, name = "partial") {
  let checks = schema._zod.def.checks;
  if (checks && checks.length > 0)
    throw new Error(`.${name}() cannot be used on object schemas containing refinements`);
  let selected = mask ? new Set(maskedKeys(schema, mask)) : void 0, newShape = {};
  return mirrorShape(newShape, schema, Reflect.ownKeys(sourceShape(schema)), Class2 && ((value, key) => selected && !selected.has(key) ? value : new Class2({ type: "optional", innerType: value }))), clone(schema, mergeDefs(schema._zod.def, { shape: newShape, checks: [] }));
}
function required(Class2, schema, mask) {
  let selected = mask ? new Set(maskedKeys(schema, mask)) : void 0, newShape = {};
  return mirrorShape(newShape, schema, Reflect.ownKeys(sourceShape(schema)), (value, key) => (
    // overwrite with non-optional
    selected && !selected.has(key) ? value : new Class2({ type: "nonoptional", innerType: value })
  )), clone(schema, mergeDefs(schema._zod.def, { shape: newShape }));
}
function aborted(x, startIndex = 0) {
  if (x.aborted === !0)
    return !0;
  for (let i = startIndex; i < x.issues.length; i++)
    if (x.issues[i]?.continue !== !0)
      return !0;
  return !1;
}
function explicitlyAborted(x, startIndex = 0) {
  if (x.aborted === !0)
    return !0;
  for (let i = startIndex; i < x.issues.length; i++)
    if (x.issues[i]?.continue === !1)
      return !0;
  return !1;
}
function prefixIssues(path2, issues) {
  return issues.map((iss) => {
    var _a3;
    return (_a3 = iss).path ?? (_a3.path = []), iss.path.unshift(path2), iss;
  });
}
function unwrapMessage(message) {
  return typeof message == "string" ? message : message?.message;
}
function sizeCaps(defChecks) {
  let caps = [];
  for (let ch of defChecks ?? []) {
    let d = ch._zod.def;
    if (!/_(length|size)$|_equals$/.test(d.check))
      break;
    let max = d.maximum ?? d.length ?? d.size;
    max >= 0 && caps.push([max, ch]);
  }
  return caps;
}
function attachSchema(issues, start, inst) {
  var _a3;
  for (let i = start; i < issues.length; i++)
    (_a3 = issues[i]).schema ?? (_a3.schema = inst);
}
function finalizeIssue(iss, ctx, config2) {
  var _a3;
  let traits = iss.inst?._zod?.traits;
  traits?.has("$ZodType") && (traits.has("$ZodCheck") ? (_a3 = iss).schema ?? (_a3.schema = iss.inst) : iss.schema = iss.inst);
  let schemaError = iss.schema !== iss.inst ? iss.schema?._zod.def?.error : void 0, message = iss.message ? iss.message : unwrapMessage(iss.inst?._zod.def?.error?.(iss)) ?? unwrapMessage(schemaError?.(iss)) ?? unwrapMessage(ctx?.error?.(iss)) ?? unwrapMessage(config2.customError?.(iss)) ?? unwrapMessage(config2.localeError?.(iss)) ?? "Invalid input", full = {};
  for (let k2 of Object.keys(iss))
    k2 === "inst" || k2 === "schema" || k2 === "continue" || k2 === "input" || k2 === "__proto__" || (full[k2] = iss[k2]);
  return full.path ?? (full.path = []), full.message = message, ctx?.reportInput && (full.input = iss.input), full;
}
function getSizableOrigin(input) {
  return input instanceof Set ? "set" : input instanceof Map ? "map" : input instanceof File ? "file" : "unknown";
}
var highSurrogate = /[\uD800-\uDBFF]/;
function codePointLength(str) {
  let units = str.length;
  if (!highSurrogate.test(str))
    return units;
  let count = units;
  for (let i = 0; i < units - 1; i++)
    (str.charCodeAt(i) & 64512) === 55296 && (str.charCodeAt(i + 1) & 64512) === 56320 && (count--, i++);
  return count;
}
function getLengthableOrigin(input) {
  return Array.isArray(input) ? "array" : typeof input == "string" ? "string" : "unknown";
}
function parsedType(data) {
  let t = typeof data;
  switch (t) {
    case "number":
      return Number.isNaN(data) ? "nan" : "number";
    case "object": {
      if (data === null)
        return "null";
      if (Array.isArray(data))
        return "array";
      let obj = data;
      if (obj && Object.getPrototypeOf(obj) !== Object.prototype && "constructor" in obj && obj.constructor)
        return obj.constructor.name;
    }
  }
  return t;
}
function issue(...args) {
  let [iss, input, inst] = args;
  return typeof iss == "string" ? {
    message: iss,
    code: "custom",
    input,
    inst
  } : { ...iss };
}
function cleanEnum(obj) {
  return Object.entries(obj).filter(([k2, _]) => Number.isNaN(Number.parseInt(k2, 10))).map((el) => el[1]);
}
function base64ToUint8Array(base64) {
  let binaryString = atob(base64), bytes = new Uint8Array(binaryString.length);
  for (let i = 0; i < binaryString.length; i++)
    bytes[i] = binaryString.charCodeAt(i);
  return bytes;
}
function uint8ArrayToBase64(bytes) {
  let binaryString = "";
  for (let i = 0; i < bytes.length; i++)
    binaryString += String.fromCharCode(bytes[i]);
  return btoa(binaryString);
}
function base64urlToUint8Array(base64url) {
  let base64 = base64url.replace(/-/g, "+").replace(/_/g, "/"), padding = "=".repeat((4 - base64.length % 4) % 4);
  return base64ToUint8Array(base64 + padding);
}
function uint8ArrayToBase64url(bytes) {
  return uint8ArrayToBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}
function hexToUint8Array(hex2) {
  let cleanHex = hex2.replace(/^0x/, "");
  if (cleanHex.length % 2 !== 0)
    throw new Error("Invalid hex string length");
  let bytes = new Uint8Array(cleanHex.length / 2);
  for (let i = 0; i < cleanHex.length; i += 2)
    bytes[i / 2] = Number.parseInt(cleanHex.slice(i, i + 2), 16);
  return bytes;
}
function uint8ArrayToHex(bytes) {
  return Array.from(bytes).map((b2) => b2.toString(16).padStart(2, "0")).join("");
}
var Class = class {
  constructor(..._args) {
  }
};
function members(proto, table) {
  for (let key in table) {
    let desc = Object.getOwnPropertyDescriptor(table, key);
    desc.get ? Object.defineProperty(proto, key, { ...desc, enumerable: !1 }) : defineBound(proto, key, desc.value);
  }
}
function own(inst, key, value, enumerable = !0) {
  return Object.defineProperty(inst, key, { configurable: !0, writable: !0, enumerable, value }), value;
}
function hide(inst, key, value) {
  return own(inst, key, value, !1);
}
// @__NO_SIDE_EFFECTS__
function derived(computes, table) {
  for (let key in computes) {
    let compute = computes[key];
    Object.defineProperty(table, key, {
      configurable: !0,
      enumerable: !0,
      get() {
        return own(this, key, compute(this));
      },
      set(value) {
        own(this, key, value);
      }
    });
  }
  return table;
}
function defineBound(proto, key, fn) {
  Object.defineProperty(proto, key, {
    configurable: !0,
    get() {
      return this == null ? fn : own(this, key, fn.bind(this));
    },
    set(value) {
      own(this, key, value);
    }
  });
}
function claim(inst, sentinel) {
  let proto = Object.getPrototypeOf(inst);
  return sentinel in proto ? void 0 : proto;
}
var installing, broke = !1, breaker = {
  configurable: !0,
  get() {
    broke = !0;
  }
};
function defineLazyInternal(inst, key, compute) {
  let proto = Object.getPrototypeOf(inst._zod);
  if (key in proto && installing !== inst._zod) {
    installing = void 0;
    return;
  }
  installing = inst._zod, Object.defineProperty(proto, key, {
    configurable: !0,
    get() {
      Object.defineProperty(this, key, breaker);
      let outer = broke;
      broke = !1;
      try {
        let value = compute(this);
        return broke ? delete this[key] : Object.defineProperty(this, key, { configurable: !0, writable: !0, value }), broke = broke || outer, value;
      } catch (err) {
        throw delete this[key], broke = broke || outer, err;
      }
    },
    set(value) {
      Object.defineProperty(this, key, { configurable: !0, writable: !0, value });
    }
  });
}
function installLazyProp(inst, key, make, enumerable) {
  let proto = claim(inst, key);
  proto && Object.defineProperty(proto, key, {
    configurable: !0,
    get() {
      let desc = { configurable: !0, writable: !0, enumerable, value: void 0 };
      return Object.defineProperty(this, key, desc), desc.value = make(this), Object.defineProperty(this, key, desc), desc.value;
    },
    set(value) {
      Object.defineProperty(this, key, { configurable: !0, writable: !0, enumerable, value });
    }
  });
}
var CONSTANT_CATCH = "~constantCatch";
function constantCatch(value) {
  let fn = () => value;
  return fn[CONSTANT_CATCH] = !0, fn;
}

// node_modules/zod/v4/core/core.js
var _a;
var _zodDesc = { value: void 0, enumerable: !1 }, _E = "captureStackTrace" in Error ? Error : null;
function newError(Definition) {
  let E2 = _E;
  if (E2) {
    let saved = E2.stackTraceLimit;
    if (typeof saved == "number") {
      try {
        E2.stackTraceLimit = 0;
      } catch {
        return _E = null, new Definition();
      }
      try {
        return new Definition();
      } finally {
        E2.stackTraceLimit = saved;
      }
    }
  }
  return new Definition();
}
// @__NO_SIDE_EFFECTS__
function $constructor(name, initializer2, proto, params) {
  let zodProto = {};
  function Internals(def) {
    this.def = def, this.constr = _, this.traits = /* @__PURE__ */ new Set();
  }
  Internals.prototype = zodProto;
  let protoMembers = proto, initialized = protoMembers && /* @__PURE__ */ new WeakSet();
  function init(inst, def) {
    if (inst._zod) {
      if (inst._zod.traits.has(name))
        return;
    } else {
      _zodDesc.value = new Internals(def);
      try {
        Object.defineProperty(inst, "_zod", _zodDesc);
      } finally {
        _zodDesc.value = void 0;
      }
    }
    if (inst._zod.traits.add(name), initializer2(inst, def), initialized) {
      let own2 = Object.getPrototypeOf(inst), ctorProto = inst._zod.constr.prototype, up = own2;
      for (; up && up !== ctorProto; )
        up = Object.getPrototypeOf(up);
      let target = up ?? own2;
      initialized.has(target) || (initialized.add(target), members(target, protoMembers));
    }
    let proto2 = _.prototype;
    for (let k2 in proto2)
      Object.prototype.hasOwnProperty.call(proto2, k2) && (k2 in inst || (inst[k2] = proto2[k2].bind(inst)));
  }
  let Parent = params?.Parent ?? Object;
  class Definition extends Parent {
  }
  Object.defineProperty(Definition, "name", { value: name });
  function _(def) {
    let inst = params?.Parent ? newError(Definition) : this;
    init(inst, def);
    let deferred = inst._zod.deferred;
    if (deferred) {
      for (let fn of deferred)
        fn();
      inst._zod.deferred = void 0;
    }
    let pp = globalThis.__zod_globalConfig?.postProcessor;
    return pp && pp(inst), inst;
  }
  return Object.defineProperty(_, "init", { value: init }), Object.defineProperty(_, Symbol.hasInstance, {
    value: (inst) => params?.Parent && inst instanceof params.Parent ? !0 : inst?._zod?.traits?.has(name)
  }), Object.defineProperty(_, "name", { value: name }), _;
}
var $ZodAsyncError = class extends Error {
  constructor() {
    super("Encountered Promise during synchronous parse. Use .parseAsync() instead.");
  }
};
(_a = globalThis).__zod_globalConfig ?? (_a.__zod_globalConfig = {});
var globalConfig = globalThis.__zod_globalConfig;
function config(newConfig) {
  return newConfig && Object.assign(globalConfig, newConfig), globalConfig;
}

// node_modules/zod/v4/core/errors.js
function _getMessage() {
  let internals = this._zod;
  return internals.message ?? (internals.message = JSON.stringify(internals.def, jsonStringifyReplacer, 2)), internals.message;
}
function _setMessage(value) {
  this._zod.message = value;
}
var _messageDesc = {
  get: _getMessage,
  set: _setMessage,
  enumerable: !0,
  configurable: !0
}, _issuesDesc = { value: void 0, enumerable: !1 }, _installedToString = /* @__PURE__ */ new WeakSet([Object.prototype, Error.prototype]), initializer = (inst, def) => {
  inst.name = "$ZodError", _issuesDesc.value = def, Object.defineProperty(inst, "issues", _issuesDesc), _issuesDesc.value = void 0, Object.defineProperty(inst, "message", _messageDesc);
  let proto = Object.getPrototypeOf(inst);
  _installedToString.has(proto) || (_installedToString.add(proto), Object.defineProperty(proto, "toString", {
    configurable: !0,
    enumerable: !1,
    get() {
      let value = () => this.message;
      return Object.defineProperty(this, "toString", { value, configurable: !0, writable: !0 }), value;
    },
    set(value) {
      Object.defineProperty(this, "toString", { value, configurable: !0, writable: !0 });
    }
  }));
}, $ZodError = $constructor("$ZodError", initializer), $ZodRealError = $constructor("$ZodError", initializer, void 0, {
  Parent: Error
});

// node_modules/zod/v4/core/parse.js
var _parse = (_Err) => {
  let fn = (schema, value, _ctx, _params) => {
    let ctx = _ctx ? { ..._ctx, async: !1 } : { async: !1 }, result = schema._zod.run({ value, issues: [] }, ctx);
    if (result instanceof Promise)
      throw new $ZodAsyncError();
    if (result.issues.length) {
      let e = new (_params?.Err ?? _Err)(result.issues.map((iss) => finalizeIssue(iss, ctx, config())));
      throw captureStackTrace(e, _params?.callee ?? fn), e;
    }
    return result.value;
  };
  return fn;
}, parse = /* @__PURE__ */ _parse($ZodRealError), _parseAsync = (_Err) => {
  let fn = async (schema, value, _ctx, params) => {
    let ctx = _ctx ? { ..._ctx, async: !0 } : { async: !0 }, result = schema._zod.run({ value, issues: [] }, ctx);
    if (result instanceof Promise && (result = await result), result.issues.length) {
      let e = new (params?.Err ?? _Err)(result.issues.map((iss) => finalizeIssue(iss, ctx, config())));
      throw captureStackTrace(e, params?.callee ?? fn), e;
    }
    return result.value;
  };
  return fn;
}, parseAsync = /* @__PURE__ */ _parseAsync($ZodRealError), _safeParse = (_Err) => (schema, value, _ctx) => {
  let ctx = _ctx ? { ..._ctx, async: !1 } : { async: !1 }, result = schema._zod.run({ value, issues: [] }, ctx);
  if (result instanceof Promise)
    throw new $ZodAsyncError();
  return result.issues.length ? failure(_Err, result.issues, ctx) : { success: !0, data: result.value };
}, safeParse = /* @__PURE__ */ _safeParse($ZodRealError);
function failure(Err, issues, ctx) {
  let error;
  return {
    success: !1,
    get error() {
      return error || (error = new Err(issues.map((iss) => finalizeIssue(iss, ctx, config()))), issues = void 0, ctx = void 0), error;
    },
    set error(e) {
      error = e, issues = void 0, ctx = void 0;
    }
  };
}
var _safeParseAsync = (_Err) => async (schema, value, _ctx) => {
  let ctx = _ctx ? { ..._ctx, async: !0 } : { async: !0 }, result = schema._zod.run({ value, issues: [] }, ctx);
  return result instanceof Promise && (result = await result), result.issues.length ? failure(_Err, result.issues, ctx) : { success: !0, data: result.value };
}, safeParseAsync = /* @__PURE__ */ _safeParseAsync($ZodRealError);

// node_modules/zod/v4/core/regexes.js
var duration = /^P(?:(\d+W)|(?!.*W)(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?)$/;
var dateSource = "(?:(?:\\d\\d[2468][048]|\\d\\d[13579][26]|\\d\\d0[48]|[02468][048]00|[13579][26]00)-02-29|\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|(?:02)-(?:0[1-9]|1\\d|2[0-8])))";
function anchor(source) {
  return new RegExp(`^${source}$`);
}
var date = /* @__PURE__ */ anchor(dateSource);
function timeSource(args) {
  let hhmm = "(?:[01]\\d|2[0-3]):[0-5]\\d";
  return typeof args.precision == "number" ? args.precision === -1 ? `${hhmm}` : args.precision === 0 ? `${hhmm}:[0-5]\\d` : `${hhmm}:[0-5]\\d\\.\\d{${args.precision}}` : args.seconds ? `${hhmm}:[0-5]\\d(?:\\.\\d+)?` : `${hhmm}(?::[0-5]\\d(?:\\.\\d+)?)?`;
}
function time(args) {
  return new RegExp(`^${timeSource(args)}$`);
}
function datetime(args) {
  let opts = ["Z"];
  args.offset && opts.push("([+-](?:[01]\\d|2[0-3]):[0-5]\\d)");
  let qualified = `${timeSource({ precision: args.precision, seconds: !0 })}(?:${opts.join("|")})`, timeRegex = args.local ? `${qualified}|${timeSource({ precision: args.precision })}` : qualified;
  return new RegExp(`^${dateSource}T(?:${timeRegex})$`);
}
var anyString = /^[\s\S]{0,}$/;
var number = /^-?\d+(?:\.\d+)?$/, boolean = /^(?:true|false)$/i;

// node_modules/zod/v4/core/checks.js
var $ZodCheck = /* @__PURE__ */ $constructor("$ZodCheck", (inst, def) => {
  var _a3;
  inst._zod ?? (inst._zod = {}), inst._zod.def = def, (_a3 = inst._zod).onattach ?? (_a3.onattach = []);
});
var numericOriginMap = {
  number: "number",
  bigint: "bigint",
  object: "date"
};
var $ZodCheckGreaterThan = /* @__PURE__ */ $constructor("$ZodCheckGreaterThan", (inst, def) => {
  $ZodCheck.init(inst, def);
  let origin = numericOriginMap[typeof def.value];
  inst._zod.check = (payload) => {
    (def.inclusive ? payload.value >= def.value : payload.value > def.value) || payload.issues.push({
      origin: numericOriginMap[typeof payload.value] ?? origin,
      code: "too_small",
      minimum: typeof def.value == "object" ? def.value.getTime() : def.value,
      input: payload.value,
      inclusive: def.inclusive,
      inst,
      continue: !def.abort
    });
  };
});
var $ZodCheckStringFormat = /* @__PURE__ */ $constructor("$ZodCheckStringFormat", (inst, def) => {
  var _a3, _b;
  $ZodCheck.init(inst, def), def.pattern ? (_a3 = inst._zod).check ?? (_a3.check = (payload) => {
    def.pattern.lastIndex = 0, !def.pattern.test(payload.value) && payload.issues.push({
      origin: "string",
      code: "invalid_format",
      format: def.format,
      input: payload.value,
      ...def.pattern ? { pattern: def.pattern.toString() } : {},
      inst,
      continue: !def.abort
    });
  }) : (_b = inst._zod).check ?? (_b.check = () => {
  });
}), $ZodCheckRegex = /* @__PURE__ */ $constructor("$ZodCheckRegex", (inst, def) => {
  $ZodCheckStringFormat.init(inst, def), inst._zod.check = (payload) => {
    def.pattern.lastIndex = 0, !def.pattern.test(payload.value) && payload.issues.push({
      origin: "string",
      code: "invalid_format",
      format: "regex",
      input: payload.value,
      pattern: def.pattern.toString(),
      inst,
      continue: !def.abort
    });
  };
});

// node_modules/zod/v4/core/versions.js
var version = {
  major: 4,
  minor: 6,
  patch: 7
};

// node_modules/zod/v4/core/schemas.js
var $ZodType = /* @__PURE__ */ $constructor("$ZodType", (inst, def) => {
  var _a3;
  inst ?? (inst = {}), inst._zod.def = def, inst._zod.bag = inst._zod.bag || {}, inst._zod.version = version;
  let defChecks = inst._zod.def.checks, checks = inst._zod.traits.has("$ZodCheck") ? [inst, ...defChecks ?? []] : defChecks?.length ? [...defChecks] : [];
  for (let ch of checks)
    for (let fn of ch._zod.onattach)
      fn(inst);
  if (checks.length === 0)
    (_a3 = inst._zod).deferred ?? (_a3.deferred = []), inst._zod.deferred?.push(() => {
      inst._zod.run = inst._zod.parse;
    });
  else {
    let runChecks = (payload, checks2, ctx) => {
      if (payload.memo)
        return payload;
      let isAborted = aborted(payload), asyncResult;
      for (let ch of checks2) {
        if (ch._zod.def.when) {
          if (explicitlyAborted(payload) || !ch._zod.def.when(payload))
            continue;
        } else if (isAborted)
          continue;
        let currLen = payload.issues.length, _ = ch._zod.check(payload);
        if (_ instanceof Promise && ctx?.async === !1)
          throw new $ZodAsyncError();
        if (asyncResult || _ instanceof Promise)
          asyncResult = (asyncResult ?? Promise.resolve()).then(async () => {
            await _, payload.issues.length !== currLen && (attachSchema(payload.issues, currLen, inst), isAborted || (isAborted = aborted(payload, currLen)));
          });
        else {
          if (payload.issues.length === currLen)
            continue;
          attachSchema(payload.issues, currLen, inst), isAborted || (isAborted = aborted(payload, currLen));
        }
      }
      return asyncResult ? asyncResult.then(() => payload) : payload;
    }, handleCanaryResult = (canary, payload, ctx) => {
      if (aborted(canary))
        return canary.aborted = !0, canary;
      let checkResult = runChecks(payload, checks, ctx);
      if (checkResult instanceof Promise) {
        if (ctx.async === !1)
          throw new $ZodAsyncError();
        return checkResult.then((checkResult2) => inst._zod.parse(checkResult2, ctx));
      }
      return inst._zod.parse(checkResult, ctx);
    };
    inst._zod.run = (payload, ctx) => {
      if (ctx.skipChecks)
        return inst._zod.parse(payload, ctx);
      if (ctx.direction === "backward") {
        let canary = inst._zod.parse({ value: payload.value, issues: [] }, { ...ctx, skipChecks: !0 });
        return canary instanceof Promise ? canary.then((canary2) => handleCanaryResult(canary2, payload, ctx)) : handleCanaryResult(canary, payload, ctx);
      }
      let result = inst._zod.parse(payload, ctx);
      if (result instanceof Promise) {
        if (ctx.async === !1)
          throw new $ZodAsyncError();
        return result.then((result2) => runChecks(result2, checks, ctx));
      }
      return runChecks(result, checks, ctx);
    };
  }
}, {
  // Wrappers extend this by installing a richer factory over it; reading it eagerly would defeat the laziness.
  get "~standard"() {
    return hide(this, "~standard", standardProps(this));
  },
  set "~standard"(value) {
    own(this, "~standard", value);
  }
}), toStandardResult = (r, ctx) => r.issues.length ? { issues: r.issues.map((iss) => finalizeIssue(iss, ctx, config())) } : { value: r.value };
async function validateAsync(inst, value) {
  let ctx = { async: !0 };
  return toStandardResult(await inst._zod.run({ value, issues: [] }, ctx), ctx);
}
function standardProps(inst) {
  return {
    validate: (value) => {
      let ctx = { async: !1 };
      try {
        let r = inst._zod.run({ value, issues: [] }, ctx);
        if (!(r instanceof Promise))
          return toStandardResult(r, ctx);
      } catch {
      }
      return validateAsync(inst, value);
    },
    vendor: "zod",
    version: 1
  };
}
var $ZodString = /* @__PURE__ */ $constructor("$ZodString", (inst, def) => {
  $ZodType.init(inst, def), inst._zod.pattern = def.pattern ?? anyString, inst._zod.parse = (payload, _) => {
    if (def.coerce)
      try {
        payload.value = String(payload.value);
      } catch {
      }
    return typeof payload.value == "string" || payload.issues.push({
      expected: "string",
      code: "invalid_type",
      input: payload.value,
      inst
    }), payload;
  };
}), $ZodStringFormat = /* @__PURE__ */ $constructor("$ZodStringFormat", (inst, def) => {
  $ZodCheckStringFormat.init(inst, def), $ZodString.init(inst, def);
});
var $ZodISODateTime = /* @__PURE__ */ $constructor("$ZodISODateTime", (inst, def) => {
  def.pattern ?? (def.pattern = datetime(def)), $ZodStringFormat.init(inst, def);
}), $ZodISODate = /* @__PURE__ */ $constructor("$ZodISODate", (inst, def) => {
  def.pattern ?? (def.pattern = date), $ZodStringFormat.init(inst, def);
}), $ZodISOTime = /* @__PURE__ */ $constructor("$ZodISOTime", (inst, def) => {
  def.pattern ?? (def.pattern = time(def)), $ZodStringFormat.init(inst, def);
}), $ZodISODuration = /* @__PURE__ */ $constructor("$ZodISODuration", (inst, def) => {
  def.pattern ?? (def.pattern = duration), $ZodStringFormat.init(inst, def);
});
var $ZodNumber = /* @__PURE__ */ $constructor("$ZodNumber", (inst, def) => {
  $ZodType.init(inst, def), inst._zod.pattern = number, inst._zod.parse = (payload, _ctx) => {
    if (def.coerce)
      try {
        payload.value = Number(payload.value);
      } catch {
      }
    let input = payload.value;
    if (typeof input == "number" && !Number.isNaN(input) && Number.isFinite(input))
      return payload;
    let received = typeof input == "number" ? Number.isNaN(input) ? "NaN" : Number.isFinite(input) ? void 0 : String(input) : void 0;
    return payload.issues.push({
      expected: "number",
      code: "invalid_type",
      input,
      inst,
      ...received ? { received } : {}
    }), payload;
  };
});
var $ZodBoolean = /* @__PURE__ */ $constructor("$ZodBoolean", (inst, def) => {
  $ZodType.init(inst, def), inst._zod.pattern = boolean, inst._zod.parse = (payload, _ctx) => {
    if (def.coerce)
      try {
        payload.value = !!payload.value;
      } catch {
      }
    let input = payload.value;
    return typeof input == "boolean" || payload.issues.push({
      expected: "boolean",
      code: "invalid_type",
      input,
      inst
    }), payload;
  };
});
function capSize(inst, size) {
  let caps = sizeCaps(inst._zod.def.checks);
  if (!caps.length)
    return;
  let cap = Math.min(...caps.map((c) => c[0])), parse2 = inst._zod.parse;
  inst._zod.parse = (payload, ctx) => {
    let n = size(payload.value);
    if (n > cap && !ctx?.skipChecks && ctx?.direction !== "backward") {
      for (let [max, ch] of sizeCaps(inst._zod.def.checks))
        if (n > max && ch._zod.def.when(payload)) {
          let start = payload.issues.length;
          return ch._zod.check(payload), payload.issues[start].continue = !1, attachSchema(payload.issues, start, inst), payload;
        }
    }
    return parse2(payload, ctx);
  };
}
var arraySize = (input) => Array.isArray(input) ? input.length : -1;
function handleArrayResult(result, final, index) {
  result.issues.length && final.issues.push(...prefixIssues(index, result.issues)), final.value[index] = result.value;
}
var $ZodArray = /* @__PURE__ */ $constructor("$ZodArray", (inst, def) => {
  $ZodType.init(inst, def);
  let memo = globalConfig.memoizer;
  memo?.attach(inst), inst._zod.parse = (payload, ctx) => {
    let input = payload.value;
    if (!Array.isArray(input))
      return payload.issues.push({
        expected: "array",
        code: "invalid_type",
        input,
        inst
      }), payload;
    payload.value = memo ? memo.alloc(inst, payload, Array(input.length), ctx) : Array(input.length);
    let proms = [], abortEarly = ctx?.abortEarly;
    for (let i = 0; i < input.length; i++) {
      let item = input[i], result = def.element._zod.run({
        value: item,
        issues: []
      }, ctx);
      if (result instanceof Promise)
        proms.push(result.then((result2) => handleArrayResult(result2, payload, i)));
      else if (handleArrayResult(result, payload, i), abortEarly && result.issues.length !== 0 && aborted(result))
        break;
    }
    return proms.length ? Promise.all(proms).then(() => payload) : payload;
  }, capSize(inst, arraySize);
});
function handlePropertyResult(result, final, key, input, optin, optout) {
  let isPresent = key in input, isOptionalOut = optout === "optional";
  if (!(!isPresent && isOptionalOut && optin === "optional")) {
    if (result.issues.length) {
      if (optin !== void 0 && isOptionalOut && !isPresent)
        return;
      final.issues.push(...prefixIssues(key, result.issues));
    }
    if (!isPresent && optin === void 0) {
      result.issues.length || final.issues.push({
        code: "invalid_type",
        expected: "nonoptional",
        input: void 0,
        path: [key]
      });
      return;
    }
    result.value === void 0 ? (isPresent || optin === "defaulted" && !isOptionalOut) && (final.value[key] = void 0) : final.value[key] = result.value;
  }
}
var NO_SYMBOL_KEYS = [];
function normalizeDef(def) {
  let keys2 = Object.keys(def.shape), ownSymbols = Object.getOwnPropertySymbols(def.shape), symbolKeys = ownSymbols.length ? ownSymbols : NO_SYMBOL_KEYS, allKeys = symbolKeys.length ? [...keys2, ...symbolKeys] : keys2;
  for (let k2 of allKeys)
    if (!def.shape?.[k2]?._zod?.traits?.has("$ZodType"))
      throw new Error(`Invalid element at key "${String(k2)}": expected a Zod schema`);
  let okeys = optionalKeys(def.shape);
  return {
    ...def,
    allKeys,
    symbolKeys,
    // string-only: handleCatchall matches it against `for...in`, which never yields a symbol
    keySet: new Set(keys2),
    numKeys: keys2.length,
    optionalKeys: new Set(okeys)
  };
}
function handleCatchall(proms, input, payload, ctx, def, inst, abortEarly) {
  let unrecognized = [], keySet = def.keySet, _catchall = def.catchall._zod, t = _catchall.def.type, optin = _catchall.optin, optout = _catchall.optout, seen = 0;
  for (let key in input) {
    if (abortEarly && payload.issues.length !== seen) {
      if (aborted(payload, seen))
        break;
      seen = payload.issues.length;
    }
    if (keySet.has(key))
      continue;
    if (key === "__proto__") {
      t === "never" && unrecognized.push(key);
      continue;
    }
    if (t === "never") {
      unrecognized.push(key);
      continue;
    }
    let r = _catchall.run({ value: input[key], issues: [] }, ctx);
    r instanceof Promise ? proms.push(r.then((r2) => handlePropertyResult(r2, payload, key, input, optin, optout))) : handlePropertyResult(r, payload, key, input, optin, optout);
  }
  return unrecognized.length && payload.issues.push({
    code: "unrecognized_keys",
    keys: unrecognized,
    input,
    inst,
    // Describes the shape of the input, not the validity of the parsed value, so it never aborts. The parse still fails; the schema's own checks just get to run first, and an enclosing intersection can reconcile the key against a sibling operand.
    continue: !0
  }), proms.length ? Promise.all(proms).then(() => payload) : payload;
}
var $ZodObject = /* @__PURE__ */ $constructor("$ZodObject", (inst, def) => {
  $ZodType.init(inst, def);
  let desc = Object.getOwnPropertyDescriptor(def, "shape"), sh = desc?.get ? desc.get.raw : def.shape ?? {};
  if (sh) {
    let get = () => {
      let newSh = { ...sh };
      return Object.defineProperty(def, "shape", { value: newSh }), get.raw = newSh, newSh;
    };
    get.raw = sh, Object.defineProperty(def, "shape", { get });
  }
  let _normalized = cached(() => normalizeDef(def));
  defineLazyInternal(inst, "propValues", (zod) => {
    let shape = zod.def.shape, propValues = {};
    for (let key in shape) {
      let field2 = shape[key]._zod;
      if (field2.values) {
        Object.prototype.hasOwnProperty.call(propValues, key) || assignProp(propValues, key, /* @__PURE__ */ new Set());
        for (let v2 of field2.values)
          propValues[key].add(v2);
        field2.optin !== void 0 && propValues[key].add(void 0);
      }
    }
    return propValues;
  });
  let isObject3 = isObject, catchall = def.catchall, value, memo = globalConfig.memoizer;
  memo?.attach(inst), inst._zod.parse = (payload, ctx) => {
    value ?? (value = _normalized.value);
    let input = payload.value;
    if (!isObject3(input))
      return payload.issues.push({
        expected: "object",
        code: "invalid_type",
        input,
        inst
      }), payload;
    payload.value = memo ? memo.alloc(inst, payload, {}, ctx) : {};
    let proms = [], shape = value.shape, abortEarly = ctx?.abortEarly, seen = payload.issues.length;
    for (let key of value.allKeys) {
      if (abortEarly && payload.issues.length !== seen) {
        if (aborted(payload, seen))
          break;
        seen = payload.issues.length;
      }
      if (key === "__proto__")
        continue;
      let el = shape[key], optin = el._zod.optin, optout = el._zod.optout, r = el._zod.run({ value: input[key], issues: [] }, ctx);
      r instanceof Promise ? proms.push(r.then((r2) => handlePropertyResult(r2, payload, key, input, optin, optout))) : handlePropertyResult(r, payload, key, input, optin, optout);
    }
    return catchall ? handleCatchall(proms, input, payload, ctx, _normalized.value, inst, abortEarly === !0) : proms.length ? Promise.all(proms).then(() => payload) : payload;
  };
});
function handleUnionResults(results, final, inst, ctx) {
  for (let result of results)
    if (result.issues.length === 0)
      return final.value = result.value, final;
  let nonaborted = results.filter((r) => !aborted(r));
  return nonaborted.length === 1 ? (final.value = nonaborted[0].value, nonaborted[0]) : (final.issues.push({
    code: "invalid_union",
    input: final.value,
    inst,
    errors: results.map((result) => result.issues.map((iss) => finalizeIssue(iss, ctx, config())))
  }), final);
}
var $ZodUnion = /* @__PURE__ */ $constructor("$ZodUnion", (inst, def) => {
  $ZodType.init(inst, def), defineLazyInternal(inst, "optin", (zod) => zod.def.options.some((o) => o._zod.optin === "defaulted") ? "defaulted" : zod.def.options.some((o) => o._zod.optin !== void 0) ? "optional" : void 0), defineLazyInternal(inst, "optout", (zod) => zod.def.options.some((o) => o._zod.optout === "optional") ? "optional" : void 0), defineLazyInternal(inst, "values", (zod) => {
    if (zod.def.options.every((o) => o._zod.values))
      return new Set(zod.def.options.flatMap((option) => Array.from(option._zod.values)));
  }), defineLazyInternal(inst, "pattern", (zod) => {
    if (zod.def.options.every((o) => o._zod.pattern)) {
      let patterns = zod.def.options.map((o) => o._zod.pattern);
      return new RegExp(`^(${patterns.map((p) => cleanRegex(p.source)).join("|")})$`);
    }
  });
  let first = def.options.length === 1 ? def.options[0]._zod.run : null;
  inst._zod.parse = (payload, ctx) => {
    if (first)
      return first(payload, ctx);
    let async = !1, results = [];
    for (let option of def.options) {
      let result = option._zod.run({
        value: payload.value,
        issues: []
      }, ctx);
      if (result instanceof Promise)
        results.push(result), async = !0;
      else {
        if (result.issues.length === 0)
          return result;
        results.push(result);
      }
    }
    return async ? Promise.all(results).then((results2) => handleUnionResults(results2, payload, inst, ctx)) : handleUnionResults(results, payload, inst, ctx);
  };
});
var $ZodRecord = /* @__PURE__ */ $constructor("$ZodRecord", (inst, def) => {
  $ZodType.init(inst, def);
  let memo = globalConfig.memoizer;
  memo?.attach(inst), inst._zod.parse = (payload, ctx) => {
    let input = payload.value;
    if (!isPlainObject(input))
      return payload.issues.push({
        expected: "record",
        code: "invalid_type",
        input,
        inst
      }), payload;
    let proms = [], values2 = def.keyType._zod.values;
    if (values2 && !def.partial) {
      payload.value = memo ? memo.alloc(inst, payload, {}, ctx) : {};
      let recordKeys = /* @__PURE__ */ new Set();
      for (let key of values2)
        if (typeof key == "string" || typeof key == "number" || typeof key == "symbol") {
          if (recordKeys.add(typeof key == "number" ? key.toString() : key), key === "__proto__")
            continue;
          let keyResult = def.keyType._zod.run({ value: key, issues: [] }, ctx);
          if (keyResult instanceof Promise)
            throw new Error("Async schemas not supported in object keys currently");
          if (keyResult.issues.length) {
            payload.issues.push({
              code: "invalid_key",
              origin: "record",
              issues: keyResult.issues.map((iss) => finalizeIssue(iss, ctx, config())),
              input: key,
              path: [key],
              inst
            });
            continue;
          }
          let outKey = keyResult.value;
          if (outKey === "__proto__")
            continue;
          let result = def.valueType._zod.run({ value: input[key], issues: [] }, ctx);
          result instanceof Promise ? proms.push(result.then((result2) => {
            result2.issues.length && payload.issues.push(...prefixIssues(key, result2.issues)), payload.value[outKey] = result2.value;
          })) : (result.issues.length && payload.issues.push(...prefixIssues(key, result.issues)), payload.value[outKey] = result.value);
        }
      let unrecognized;
      for (let key in input)
        if (!recordKeys.has(key))
          if (def.mode === "loose") {
            if (key === "__proto__")
              continue;
            payload.value[key] = input[key];
          } else
            unrecognized = unrecognized ?? [], unrecognized.push(key);
      unrecognized && unrecognized.length > 0 && payload.issues.push({
        code: "unrecognized_keys",
        input,
        inst,
        keys: unrecognized,
        continue: !0
      });
    } else {
      payload.value = memo ? memo.alloc(inst, payload, {}, ctx) : {};
      let unrecognized;
      for (let key of Reflect.ownKeys(input)) {
        if (key === "__proto__" || !Object.prototype.propertyIsEnumerable.call(input, key))
          continue;
        let keyResult = def.keyType._zod.run({ value: key, issues: [] }, ctx);
        if (keyResult instanceof Promise)
          throw new Error("Async schemas not supported in object keys currently");
        if (typeof key == "string" && number.test(key) && keyResult.issues.length) {
          let retryResult = def.keyType._zod.run({ value: Number(key), issues: [] }, ctx);
          if (retryResult instanceof Promise)
            throw new Error("Async schemas not supported in object keys currently");
          retryResult.issues.length === 0 && (keyResult = retryResult);
        }
        if (keyResult.issues.length) {
          def.mode === "loose" ? payload.value[key] = input[key] : values2 ? (unrecognized = unrecognized ?? [], unrecognized.push(key)) : payload.issues.push({
            code: "invalid_key",
            origin: "record",
            issues: keyResult.issues.map((iss) => finalizeIssue(iss, ctx, config())),
            input: key,
            path: [key],
            inst
          });
          continue;
        }
        let outKey = keyResult.value;
        if (outKey === "__proto__")
          continue;
        let result = def.valueType._zod.run({ value: input[key], issues: [] }, ctx);
        result instanceof Promise ? proms.push(result.then((result2) => {
          result2.issues.length && payload.issues.push(...prefixIssues(key, result2.issues)), payload.value[outKey] = result2.value;
        })) : (result.issues.length && payload.issues.push(...prefixIssues(key, result.issues)), payload.value[outKey] = result.value);
      }
      unrecognized && unrecognized.length > 0 && payload.issues.push({
        code: "unrecognized_keys",
        input,
        inst,
        keys: unrecognized,
        continue: !0
      });
    }
    return proms.length ? Promise.all(proms).then(() => payload) : payload;
  };
});
var $ZodEnum = /* @__PURE__ */ $constructor("$ZodEnum", (inst, def) => {
  $ZodType.init(inst, def);
  let values2 = getEnumValues(def.entries), valuesSet = new Set(values2);
  inst._zod.values = valuesSet, defineLazyInternal(inst, "pattern", (zod) => {
    let patternValues = getEnumValues(zod.def.entries).filter((k2) => propertyKeyTypes.has(typeof k2));
    return new RegExp(patternValues.length ? `^(${patternValues.map((o) => escapeRegex(o.toString())).join("|")})$` : "^[^\\s\\S]$");
  }), inst._zod.parse = (payload, _ctx) => {
    let input = payload.value;
    return valuesSet.has(input) || payload.issues.push({
      code: "invalid_value",
      values: values2,
      input,
      inst
    }), payload;
  };
});
function handleOptionalResult(payload, result) {
  return payload.value = result.issues.length ? void 0 : result.value, payload;
}
var $ZodOptional = /* @__PURE__ */ $constructor("$ZodOptional", (inst, def) => {
  $ZodType.init(inst, def), defineLazyInternal(inst, "optin", (zod) => zod.def.innerType._zod.optin === "defaulted" ? "defaulted" : "optional"), inst._zod.optout = "optional", defineLazyInternal(inst, "values", (zod) => {
    let values2 = zod.def.innerType._zod.values;
    return values2 ? /* @__PURE__ */ new Set([...values2, void 0]) : void 0;
  }), defineLazyInternal(inst, "pattern", (zod) => {
    let pattern2 = zod.def.innerType._zod.pattern;
    return pattern2 ? new RegExp(`^(${cleanRegex(pattern2.source)})?$`) : void 0;
  }), inst._zod.parse = (payload, ctx) => {
    if (payload.value === void 0) {
      if (def.innerType._zod.optin !== "defaulted")
        return payload;
      let result = def.innerType._zod.run({ value: payload.value, issues: [] }, ctx);
      return result instanceof Promise ? result.then((result2) => handleOptionalResult(payload, result2)) : handleOptionalResult(payload, result);
    }
    return def.innerType._zod.run(payload, ctx);
  };
});
function handleCatchResult(payload, result, def, ctx) {
  return result.issues.length ? (payload.value = def.catchValue({
    ...result,
    value: payload.value,
    error: {
      issues: result.issues.map((iss) => finalizeIssue(iss, ctx, config()))
    },
    input: payload.value
  }), payload) : (payload.value = result.value, result.memo && (payload.memo = !0), payload);
}
var $ZodCatch = /* @__PURE__ */ $constructor("$ZodCatch", (inst, def) => {
  $ZodType.init(inst, def), defineLazyInternal(inst, "optin", (zod) => zod.def.innerType._zod.optin === "defaulted" ? "defaulted" : "optional"), defineLazyInternal(inst, "optout", (zod) => zod.def.innerType._zod.optout), defineLazyInternal(inst, "values", (zod) => zod.def.innerType._zod.values), inst._zod.parse = (payload, ctx) => {
    if (ctx.direction === "backward")
      return def.innerType._zod.run(payload, ctx);
    let result = def.innerType._zod.run({ value: payload.value, issues: [] }, ctx);
    return result instanceof Promise ? result.then((result2) => handleCatchResult(payload, result2, def, ctx)) : handleCatchResult(payload, result, def, ctx);
  };
});
var $ZodCustom = /* @__PURE__ */ $constructor("$ZodCustom", (inst, def) => {
  $ZodCheck.init(inst, def), $ZodType.init(inst, def), inst._zod.parse = (payload, _) => payload, inst._zod.check = (payload) => {
    let input = payload.value, r = def.fn(input);
    if (r instanceof Promise)
      return r.then((r2) => handleRefineResult(r2, payload, input, inst));
    handleRefineResult(r, payload, input, inst);
  };
});
function handleRefineResult(result, payload, input, inst) {
  if (!result) {
    let _iss = {
      code: "custom",
      input,
      inst,
      // incorporates params.error into issue reporting
      path: [...inst._zod.def.path ?? []],
      // incorporates params.error into issue reporting
      continue: !inst._zod.def.abort
      // params: inst._zod.def.params,
    };
    inst._zod.def.params && (_iss.params = inst._zod.def.params), payload.issues.push(issue(_iss));
  }
}

// node_modules/zod/v4/core/registries.js
var _a2;
var $ZodRegistry = class {
  constructor() {
    this._map = /* @__PURE__ */ new WeakMap(), this._idmap = /* @__PURE__ */ new Map();
  }
  add(schema, ..._meta) {
    let meta2 = _meta[0];
    return this._map.set(schema, meta2), meta2 && typeof meta2 == "object" && "id" in meta2 && this._idmap.set(meta2.id, schema), this;
  }
  clear() {
    return this._map = /* @__PURE__ */ new WeakMap(), this._idmap = /* @__PURE__ */ new Map(), this;
  }
  remove(schema) {
    let meta2 = this._map.get(schema);
    return meta2 && typeof meta2 == "object" && "id" in meta2 && this._idmap.delete(meta2.id), this._map.delete(schema), this;
  }
  get(schema) {
    let p = schema._zod.parent;
    if (p) {
      let pm = { ...this.get(p) ?? {} };
      delete pm.id;
      let f2 = { ...pm, ...this._map.get(schema) };
      return Object.keys(f2).length ? f2 : void 0;
    }
    return this._map.get(schema);
  }
  has(schema) {
    return this._map.has(schema);
  }
};
function registry() {
  return new $ZodRegistry();
}
(_a2 = globalThis).__zod_globalRegistry ?? (_a2.__zod_globalRegistry = registry());
var globalRegistry = globalThis.__zod_globalRegistry;

// node_modules/zod/v4/core/api.js
function snapshotChecks(def) {
  return def.checks && (def.checks = [...def.checks]), def;
}
// @__NO_SIDE_EFFECTS__
function _string(Class2, params) {
  return new Class2(snapshotChecks({ type: "string", ...normalizeParams(params) }));
}
// @__NO_SIDE_EFFECTS__
function _isoDateTime(Class2, params) {
  return new Class2({
    type: "string",
    format: "datetime",
    check: "string_format",
    offset: !1,
    local: !1,
    precision: null,
    ...normalizeParams(params)
  });
}
// @__NO_SIDE_EFFECTS__
function _isoDate(Class2, params) {
  return new Class2({
    type: "string",
    format: "date",
    check: "string_format",
    ...normalizeParams(params)
  });
}
// @__NO_SIDE_EFFECTS__
function _isoTime(Class2, params) {
  return new Class2({
    type: "string",
    format: "time",
    check: "string_format",
    precision: null,
    ...normalizeParams(params)
  });
}
// @__NO_SIDE_EFFECTS__
function _isoDuration(Class2, params) {
  return new Class2({
    type: "string",
    format: "duration",
    check: "string_format",
    ...normalizeParams(params)
  });
}
// @__NO_SIDE_EFFECTS__
function _number(Class2, params) {
  return new Class2(snapshotChecks({ type: "number", checks: [], ...normalizeParams(params) }));
}
// @__NO_SIDE_EFFECTS__
function _boolean(Class2, params) {
  return new Class2({
    type: "boolean",
    ...normalizeParams(params)
  });
}
// @__NO_SIDE_EFFECTS__
function _gt(value, params) {
  return new $ZodCheckGreaterThan({
    check: "greater_than",
    ...normalizeParams(params),
    value,
    inclusive: !1
  });
}
// @__NO_SIDE_EFFECTS__
function _positive(params) {
  return /* @__PURE__ */ _gt(0, params);
}
// @__NO_SIDE_EFFECTS__
function _regex(pattern2, params) {
  return new $ZodCheckRegex({
    check: "string_format",
    format: "regex",
    ...normalizeParams(params),
    pattern: pattern2
  });
}
// @__NO_SIDE_EFFECTS__
function _refine(Class2, fn, _params) {
  return new Class2({
    type: "custom",
    check: "custom",
    fn,
    ...normalizeParams(_params)
  });
}
// @__NO_SIDE_EFFECTS__
function describe(description) {
  let ch = new $ZodCheck({ check: "describe" });
  return ch._zod.onattach = [
    (inst) => {
      let existing = globalRegistry.get(inst) ?? {};
      globalRegistry.add(inst, { ...existing, description });
    }
  ], ch._zod.check = () => {
  }, ch;
}

// node_modules/zod/v4/mini/schemas.js
var ZodMiniType = /* @__PURE__ */ $constructor("ZodMiniType", (inst, def) => {
  if (!inst._zod)
    throw new Error("Uninitialized schema in ZodMiniType.");
  $ZodType.init(inst, def), inst.def = def, inst.type = def.type;
}, {
  // `with` is an alias for `check`: the same function object, not a wrapper.
  get with() {
    return this.check;
  },
  set with(value) {
    own(this, "with", value);
  },
  parse(data, params) {
    return parse(this, data, params, { callee: this.parse });
  },
  parseAsync(data, params) {
    return parseAsync(this, data, params, { callee: this.parseAsync });
  },
  safeParse(data, params) {
    return safeParse(this, data, params);
  },
  safeParseAsync(data, params) {
    return safeParseAsync(this, data, params);
  },
  check(...checks) {
    let def = this.def;
    return this.clone({
      ...def,
      checks: [
        ...def.checks ?? [],
        ...checks.map((ch) => typeof ch == "function" ? { _zod: { check: ch, def: { check: "custom" }, onattach: [] } } : ch)
      ]
    }, { parent: !0 });
  },
  clone(_def, params) {
    return clone(this, _def, params);
  },
  brand() {
    return this;
  },
  register(reg, meta2) {
    return reg.add(this, meta2), this;
  },
  apply(fn, ...args) {
    return args.length === 0 ? fn(this) : fn(this, ...args);
  }
}), ZodMiniString = /* @__PURE__ */ $constructor("ZodMiniString", (inst, def) => {
  $ZodString.init(inst, def), ZodMiniType.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function string2(params) {
  return _string(ZodMiniString, params);
}
var ZodMiniStringFormat = /* @__PURE__ */ $constructor("ZodMiniStringFormat", (inst, def) => {
  $ZodStringFormat.init(inst, def), ZodMiniString.init(inst, def);
});
var ZodMiniNumber = /* @__PURE__ */ $constructor("ZodMiniNumber", (inst, def) => {
  $ZodNumber.init(inst, def), ZodMiniType.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function number2(params) {
  return _number(ZodMiniNumber, params);
}
var ZodMiniBoolean = /* @__PURE__ */ $constructor("ZodMiniBoolean", (inst, def) => {
  $ZodBoolean.init(inst, def), ZodMiniType.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function boolean2(params) {
  return _boolean(ZodMiniBoolean, params);
}
var ZodMiniArray = /* @__PURE__ */ $constructor("ZodMiniArray", (inst, def) => {
  $ZodArray.init(inst, def), ZodMiniType.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function array(element, params) {
  return new ZodMiniArray({
    type: "array",
    element,
    ...normalizeParams(params)
  });
}
var ZodMiniObject = /* @__PURE__ */ $constructor("ZodMiniObject", (inst, def) => {
  $ZodObject.init(inst, def), ZodMiniType.init(inst, def), installLazyProp(inst, "shape", (self2) => self2._zod.def.shape, !1);
});
// @__NO_SIDE_EFFECTS__
function object(shape, params) {
  let def = {
    type: "object",
    shape: shape ?? {},
    ...normalizeParams(params)
  };
  return new ZodMiniObject(def);
}
// @__NO_SIDE_EFFECTS__
function extend2(schema, shape) {
  return extend(schema, shape);
}
// @__NO_SIDE_EFFECTS__
function partial2(schema, mask) {
  let def = schema._zod.def;
  if (def.type !== "tuple")
    return partial(ZodMiniOptional, schema, mask);
  if (def.checks?.length)
    throw new Error(".partial() cannot be used on tuple schemas containing refinements");
  return clone(schema, {
    ...def,
    items: def.items.map((item) => new ZodMiniOptional({ type: "optional", innerType: item }))
  });
}
var ZodMiniUnion = /* @__PURE__ */ $constructor("ZodMiniUnion", (inst, def) => {
  $ZodUnion.init(inst, def), ZodMiniType.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function union(options, params) {
  return new ZodMiniUnion({
    type: "union",
    options,
    ...normalizeParams(params)
  });
}
var ZodMiniRecord = /* @__PURE__ */ $constructor("ZodMiniRecord", (inst, def) => {
  $ZodRecord.init(inst, def), ZodMiniType.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function record(keyType, valueType, params) {
  return !valueType || !valueType._zod ? new ZodMiniRecord({
    type: "record",
    keyType: /* @__PURE__ */ string2(),
    valueType: keyType,
    ...normalizeParams(valueType)
  }) : new ZodMiniRecord({
    type: "record",
    keyType,
    valueType,
    ...normalizeParams(params)
  });
}
var ZodMiniEnum = /* @__PURE__ */ $constructor("ZodMiniEnum", (inst, def) => {
  $ZodEnum.init(inst, def), ZodMiniType.init(inst, def), inst.options = [...inst._zod.values];
});
// @__NO_SIDE_EFFECTS__
function _enum(values2, params) {
  let entries = Array.isArray(values2) ? Object.fromEntries(values2.map((v2) => [v2, v2])) : values2;
  return new ZodMiniEnum({
    type: "enum",
    entries,
    ...normalizeParams(params)
  });
}
var ZodMiniOptional = /* @__PURE__ */ $constructor("ZodMiniOptional", (inst, def) => {
  $ZodOptional.init(inst, def), ZodMiniType.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function optional(innerType) {
  return new ZodMiniOptional({
    type: "optional",
    innerType
  });
}
var ZodMiniCatch = /* @__PURE__ */ $constructor("ZodMiniCatch", (inst, def) => {
  $ZodCatch.init(inst, def), ZodMiniType.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function _catch(innerType, catchValue) {
  return new ZodMiniCatch({
    type: "catch",
    innerType,
    catchValue: typeof catchValue == "function" ? catchValue : util_exports.constantCatch(catchValue)
  });
}
var ZodMiniCustom = /* @__PURE__ */ $constructor("ZodMiniCustom", (inst, def) => {
  $ZodCustom.init(inst, def), ZodMiniType.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function refine(fn, _params = {}) {
  return _refine(ZodMiniCustom, fn, _params);
}
var describe2 = describe;

// node_modules/zod/v4/mini/iso.js
var iso_exports = {};
__export(iso_exports, {
  ZodMiniISODate: () => ZodMiniISODate,
  ZodMiniISODateTime: () => ZodMiniISODateTime,
  ZodMiniISODuration: () => ZodMiniISODuration,
  ZodMiniISOTime: () => ZodMiniISOTime,
  date: () => date2,
  datetime: () => datetime2,
  duration: () => duration2,
  time: () => time2
});
var ZodMiniISODateTime = /* @__PURE__ */ $constructor("ZodMiniISODateTime", (inst, def) => {
  $ZodISODateTime.init(inst, def), ZodMiniStringFormat.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function datetime2(params) {
  return _isoDateTime(ZodMiniISODateTime, params);
}
var ZodMiniISODate = /* @__PURE__ */ $constructor("ZodMiniISODate", (inst, def) => {
  $ZodISODate.init(inst, def), ZodMiniStringFormat.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function date2(params) {
  return _isoDate(ZodMiniISODate, params);
}
var ZodMiniISOTime = /* @__PURE__ */ $constructor("ZodMiniISOTime", (inst, def) => {
  $ZodISOTime.init(inst, def), ZodMiniStringFormat.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function time2(params) {
  return _isoTime(ZodMiniISOTime, params);
}
var ZodMiniISODuration = /* @__PURE__ */ $constructor("ZodMiniISODuration", (inst, def) => {
  $ZodISODuration.init(inst, def), ZodMiniStringFormat.init(inst, def);
});
// @__NO_SIDE_EFFECTS__
function duration2(params) {
  return _isoDuration(ZodMiniISODuration, params);
}

// src/config/schema.ts
var PATH = /^(?:~(?:$|[\\/])|\/|[A-Za-z]:[\\/])/, ROOT = /^(?:\*$|~(?:$|[\\/])|\/|[A-Za-z]:[\\/])/, PATTERN = /^(?:~(?:$|[\\/])|\/|[A-Za-z]:[\\/]|(?![A-Za-z+]+:\/\/)[^\s.~@][^\s@]*$)/, HTTP = /^https?:\/\//, HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, HEADER_VALUE = /^[\t -~\u0080-\u00ff]*$/, oneOf = (...values2) => _enum(values2, `expected ${values2.map((value) => JSON.stringify(value)).join(" or ")}`), text = (expected, form) => string2(expected).check(_regex(form, expected)), path = text("expected a path that begins with / or ~/", PATH), rootPath = text('expected a directory that begins with / or ~/, or "*"', ROOT), root = union(
  [rootPath, object({ path: rootPath, added: optional(iso_exports.datetime({ offset: !0 })) })],
  'expected a directory that begins with / or ~/, or "*", or {"path": directory, "added": ISO 8601 time}'
), pattern = text(
  'expected a remote without scheme and user, such as "github.com/acme/**", or a directory that begins with / or ~/',
  PATTERN
), URL_EXPECTED = 'expected a URL with http:// or https://, such as "http://localhost:4318"', HEADERS = 'expected an object of HTTP headers, such as {"authorization": "Bearer \u2026"}', RESOURCE = 'expected an object of texts, such as {"service.name": "my-agents"}', values = {
  trace_roots: array(root, "expected a list of directories").check(
    describe2(
      'Directories whose sessions are exported: as text, or with the time they were added, from which hooks catch up. "*" is every directory. Empty: only what include names. `trace-build roots add` writes this.'
    )
  ),
  include: array(pattern, "expected a list of patterns").check(
    describe2(
      'Besides trace_roots: sessions in repositories with such a remote ("github.com/acme/**"; * stays within one segment, ** does not), or in such a directory.'
    )
  ),
  exclude: array(pattern, "expected a list of patterns").check(
    describe2("Sessions that are never exported, by the same patterns as in include. Wins over everything; those of all files count.")
  ),
  endpoint: text(URL_EXPECTED, HTTP).check(
    refine((url) => URL.canParse(url), URL_EXPECTED),
    describe2("OTLP/HTTP endpoint: the base URL, or the whole one when it ends in /v1/traces.")
  ),
  headers: record(text(HEADERS, HEADER_NAME), text(HEADERS, HEADER_VALUE), HEADERS).check(describe2("Headers for the endpoint, such as authorization. Their values are never shown.")),
  protocol: oneOf("http/protobuf", "http/json").check(describe2("Encoding of what is sent.")),
  compression: oneOf("gzip", "none").check(describe2("Compression of what is sent.")),
  timeout_ms: number2("expected milliseconds above 0").check(_positive("expected milliseconds above 0"), describe2("Milliseconds for one request with its retries.")),
  certificate: path.check(describe2("PEM file of the authorities the endpoint is trusted by.")),
  client_certificate: path.check(describe2("PEM file of our certificate, where the endpoint asks for one.")),
  client_key: path.check(describe2("PEM file of the key of client_certificate.")),
  resource: record(string2(RESOURCE), string2(RESOURCE), RESOURCE).check(describe2("Attributes of the resource, over those that the transcript tells: service.name, deployment.environment.name \u2026")),
  content: oneOf("none", "redacted", "full").check(
    describe2("Prompts, answers, arguments and results: whether they leave the machine, and whether as they are or without secrets.")
  ),
  semconv: oneOf("1.41", "latest").check(describe2("Names of the attributes: those that backends of today read, or the newest ones.")),
  agent_usage: oneOf("own", "off").check(describe2("Whether an agent's span sums the tokens of its own calls.")),
  when: oneOf("turn", "session").check(describe2("Whether hooks deliver after each turn, or when the session has ended.")),
  notice: oneOf("failures", "always", "off").check(describe2("When the start of a session shows a line about the delivery before it.")),
  wait: boolean2("expected true or false").check(describe2("Whether the hook itself delivers before it returns: for containers whose processes die with the agent."))
}, valuesSchema = partial2(object(values, "expected an object")), fileSchema = extend2(valuesSchema, {
  $schema: optional(string2("expected the address of a JSON Schema").check(describe2("For editors."))),
  lock: optional(
    array(string2("expected the name of a key"), "expected a list of names of keys").check(
      describe2(
        "Only in the managed file: keys that no file below, no flag and no variable can set. What it does not set itself stays at its default."
      )
    )
  )
}), CONFIG_KEYS = Object.keys(values), isConfigKey = (name) => Object.hasOwn(values, name), DEFAULTS = {
  trace_roots: [],
  include: [],
  exclude: [],
  headers: {},
  protocol: "http/protobuf",
  compression: "gzip",
  timeout_ms: 1e4,
  resource: {},
  content: "none",
  semconv: "1.41",
  agent_usage: "own",
  when: "turn",
  notice: "failures",
  wait: !1
};

// src/config/file.ts
function readJson(path2) {
  let text3 = textOf(path2).replace(/^\uFEFF/, ""), json = text3.trim() === "" ? {} : parsed(path2, text3);
  if (typeof json != "object" || json === null || Array.isArray(json))
    throw new UserError(`${path2}: expected an object, such as {"endpoint": "http://localhost:4318"}.`, HINT);
  return json;
}
function checked(path2, json) {
  let { data, error } = fileSchema.safeParse(json);
  if (error !== void 0) throw new UserError(`${path2}: ${problemOf(json)}.`, HINT);
  let { lock: lock2 = [], $schema: _, ...values2 } = data, unknown = Object.keys(json).filter((key) => !isConfigKey(key) && key !== "lock" && key !== "$schema");
  return { values: values2, lock: lock2, unknown };
}
function problemOf(json) {
  let issue2 = fileSchema.safeParse(json).error?.issues[0];
  return issue2 && `${shownPath(issue2.path)}: ${issue2.message}`;
}
var HINT = "Correct it in that file, or take the key out. docs/configuration.md tells of every key.";
function textOf(path2) {
  try {
    return readIfThere(path2) ?? "";
  } catch (error) {
    let reason = error.message.replace(/, \w+( '.*)?$/s, "");
    throw new UserError(`${path2} can't be read: ${reason}.`, "Check its permissions. Until it can be read, nothing is exported.");
  }
}
function parsed(path2, text3) {
  try {
    return JSON.parse(text3);
  } catch (error) {
    let at = /position (\d+)/.exec(error.message)?.[1], line = at === void 0 ? "" : ` (line ${text3.slice(0, Number(at)).split(`
`).length})`;
    throw new UserError(`${path2} is not JSON${line}.`, "Correct it in that file: no comments, no comma after the last element.");
  }
}
var shownPath = (path2) => path2.map((part, at) => typeof part == "number" ? `[${part}]` : `${at === 0 ? "" : "."}${String(part)}`).join("");

// src/config/load.ts
function loadConfig(paths) {
  let managed = checked(paths.managed, readJson(paths.managed)), user = checked(paths.config, readJson(paths.config)), locked = new Set(managed.lock.filter(isConfigKey).filter(isLockable)), originOf = (key) => managed.values[key] !== void 0 ? "managed" : user.values[key] !== void 0 && !locked.has(key) ? "user" : "default", origins = Object.fromEntries(CONFIG_KEYS.map((key) => [key, originOf(key)])), sources = { managed: managed.values, user: user.values, default: DEFAULTS }, config2 = Object.fromEntries(CONFIG_KEYS.map((key) => [key, sources[origins[key]][key]])), exclude = [.../* @__PURE__ */ new Set([...managed.values.exclude ?? [], ...user.values.exclude ?? []])];
  return {
    config: { ...config2, exclude },
    origins,
    locked,
    warnings: [...managedWarnings(paths, managed), ...userWarnings(paths, user)],
    paths
  };
}
var isLockable = (key) => key !== "exclude", managedWarnings = (paths, { unknown, lock: lock2 }) => [
  ...unknownKeys(paths.managed, unknown),
  ...lock2.filter((name) => !isConfigKey(name) || !isLockable(name)).map((name) => `${paths.managed}: lock: ${name} is ${isConfigKey(name) ? "never locked" : "no key of this version"}.`)
], userWarnings = (paths, { unknown, lock: lock2 }) => [
  ...unknownKeys(paths.config, unknown),
  ...lock2.length > 0 ? [`${paths.config}: lock counts only in ${paths.managed}.`] : []
], unknownKeys = (path2, names) => names.map((name) => `${path2}: ${name} is no key of this version; it is left alone.`);

// src/disk/lock.ts
var import_node_child_process = require("node:child_process"), import_node_fs2 = require("node:fs"), import_node_os = require("node:os"), import_node_path3 = require("node:path"), FOREIGN_HOLDER_MAX_MS = 2 * 6e4, SIGN_EVERY_MS = 15e3, RETRY_FIRST_MS = 2, RETRY_MAX_MS = 100;
function tryLock(folder) {
  for ((0, import_node_fs2.mkdirSync)(folder, { recursive: !0, mode: 448 }); ; ) {
    let highest = numbersIn(folder).at(-1) ?? 0;
    if (highest > 0 && isHeld((0, import_node_path3.join)(folder, String(highest)))) return;
    let own2 = (0, import_node_path3.join)(folder, String(highest + 1));
    if (makeOnly(own2)) {
      if (numbersIn(folder).at(-1) === highest + 1)
        return removeOlder(folder, highest + 1), holding(own2);
      (0, import_node_fs2.rmSync)(own2, { force: !0 });
    }
  }
}
async function lock(folder, patienceMs = Number.POSITIVE_INFINITY) {
  let begunMs2 = performance.now();
  for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(RETRY_MAX_MS, waitMs * 2)) {
    let held = tryLock(folder);
    if (held !== void 0 || performance.now() - begunMs2 >= patienceMs) return held;
    await new Promise((resolve4) => setTimeout(resolve4, waitMs * (0.5 + Math.random())));
  }
}
function holderOf(folder) {
  try {
    let highest = numbersIn(folder).at(-1) ?? 0;
    return highest > 0 && isHeld((0, import_node_path3.join)(folder, String(highest))) ? holderIn((0, import_node_path3.join)(folder, String(highest))) : void 0;
  } catch {
    return;
  }
}
function processOf(pid) {
  let started = startOf(pid);
  return started === void 0 ? void 0 : { pid, started, boot: textOf2("/proc/sys/kernel/random/boot_id"), place: placeOf() };
}
function isAlive(known) {
  if (known.place === placeOf())
    return known.boot === textOf2("/proc/sys/kernel/random/boot_id") && startOf(known.pid) === known.started;
}
function holding(path2) {
  let attempt = (act) => {
    try {
      act();
    } catch {
    }
  }, signs = setInterval(() => attempt(() => (0, import_node_fs2.utimesSync)(path2, /* @__PURE__ */ new Date(), /* @__PURE__ */ new Date())), SIGN_EVERY_MS).unref();
  return {
    release: () => {
      clearInterval(signs), attempt(() => (0, import_node_fs2.truncateSync)(path2));
    }
  };
}
var numbersIn = (folder) => (0, import_node_fs2.readdirSync)(folder).flatMap((name) => /^\d+$/.test(name) ? [Number(name)] : []).toSorted((a, b2) => a - b2);
function removeOlder(folder, own2) {
  for (let name of (0, import_node_fs2.readdirSync)(folder))
    Number.parseInt(name, 10) <= own2 && name !== String(own2) && (0, import_node_fs2.rmSync)((0, import_node_path3.join)(folder, name), { force: !0 });
}
function isHeld(path2) {
  let holder = holderIn(path2);
  if (holder === void 0) return !1;
  let alive = isAlive(holder);
  if (alive !== void 0) return alive;
  let stats = (0, import_node_fs2.statSync)(path2, { throwIfNoEntry: !1 });
  return stats !== void 0 && Math.abs(Date.now() - stats.mtimeMs) < FOREIGN_HOLDER_MAX_MS;
}
function holderIn(path2) {
  try {
    let holder = JSON.parse((0, import_node_fs2.readFileSync)(path2, "utf8"));
    return isProcess(holder) ? holder : void 0;
  } catch {
    return;
  }
}
function isProcess(value) {
  let { pid, started, boot, place: where } = value ?? {};
  return typeof pid == "number" && [started, boot, where].every((text3) => typeof text3 == "string");
}
function makeOnly(path2) {
  let temporary = `${path2}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    return (0, import_node_fs2.writeFileSync)(temporary, JSON.stringify(processOf(process.pid)), { flag: "wx", mode: 384 }), (0, import_node_fs2.linkSync)(temporary, path2), !0;
  } catch (error) {
    if (["EEXIST", "ENOENT"].includes(error.code ?? "")) return !1;
    throw error;
  } finally {
    (0, import_node_fs2.rmSync)(temporary, { force: !0 });
  }
}
function startOf(pid) {
  let stat = textOf2(`/proc/${pid}/stat`), fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields.length > 19) return fields[0] === "Z" ? void 0 : fields[19];
  if (textOf2("/proc/self/stat") !== "") return;
  let { stdout, error } = (0, import_node_child_process.spawnSync)("ps", ["-o", "lstart=", "-p", String(pid)], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" }
  });
  return error === void 0 ? stdout.trim() || void 0 : answers(pid);
}
function answers(pid) {
  try {
    return process.kill(pid, 0), "unknown";
  } catch (error) {
    return error.code === "EPERM" ? "unknown" : void 0;
  }
}
var place;
function placeOf() {
  return place ??= `${(0, import_node_os.hostname)()} ${linkOf("/proc/self/ns/pid")}`, place;
}
function textOf2(path2) {
  try {
    return (0, import_node_fs2.readFileSync)(path2, "utf8");
  } catch {
    return "";
  }
}
function linkOf(path2) {
  try {
    return (0, import_node_fs2.readlinkSync)(path2);
  } catch {
    return "";
  }
}

// src/harness/fields.ts
function textAt(fields, key, complain) {
  let value = fields[key];
  if (typeof value == "string") return value === "" ? void 0 : value;
  value != null && complain(wrong(key, "a string", value));
}
var utcMs = (text3) => Date.parse(text3.endsWith("Z") || /[+-]\d\d:?\d\d$/.test(text3) ? text3 : `${text3}Z`);
function countAt(fields, key, complain) {
  let value = fields[key];
  if (Number.isSafeInteger(value) && value >= 0) return value;
  value != null && complain(wrong(key, "a count", value));
}
function flagAt(fields, key, complain) {
  let value = fields[key];
  return typeof value == "boolean" ? value : (value != null && complain(wrong(key, "true or false", value)), !1);
}
function objectAt(fields, key, complain) {
  let value = fields[key];
  if (isObject2(value)) return value;
  value != null && complain(wrong(key, "an object", value));
}
var whyNotJson = (error) => error.message.replace(/, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, ""), isObject2 = (value) => typeof value == "object" && value !== null && !Array.isArray(value), wrong = (key, expected, value) => `${key}: expected ${expected}, got ${Array.isArray(value) ? "a list" : typeof value == "object" ? "an object" : typeof value == "number" ? value : `a ${typeof value}`}`;

// src/harness/claude-code/layout.ts
var MAX_FOLDER_CHARS = 200, layout = {
  roots: (env, home) => [`${env.CLAUDE_CONFIG_DIR || `${home}/.claude`}/projects`],
  projectFolder: (directory) => directory.replace(/[^A-Za-z0-9]/g, "-").slice(0, MAX_FOLDER_CHARS),
  classify,
  agentFolders: ["subagents"],
  sessionOf: (firstLine) => /"sessionId":"([^"]+)"/.exec(firstLine)?.[1],
  timeOf: (lineHead) => {
    let atMs = utcMs(/"timestamp":"([^"]{10,40})"/.exec(lineHead)?.[1] ?? "");
    return Number.isNaN(atMs) ? void 0 : atMs;
  },
  directoryOf: (head) => {
    let quoted = /"cwd":("(?:[^"\\]|\\.)*")/.exec(head)?.[1];
    return quoted === void 0 ? void 0 : unquoted(quoted);
  },
  hasStop
};
function hasStop(lastLines2, { atMs, lastMessage }) {
  return lastLines2.some((line) => line.includes('"stop_hook_summary"') ? (layout.timeOf(line) ?? 0) >= atMs - CLOCK_SLACK_MS : lastMessage !== void 0 && line.includes('"type":"assistant"') && line.includes(escapedText(lastMessage)));
}
var CLOCK_SLACK_MS = 20, escapedText = (text3) => JSON.stringify(text3.trim()).slice(1, -1);
function unquoted(json) {
  try {
    return JSON.parse(json);
  } catch {
    return;
  }
}
function classify(relativePath) {
  let parts = relativePath.split("/"), agentId = /^agent-(.+)\.jsonl$/.exec(parts.at(-1))?.[1];
  if (parts.length === 1) {
    if (agentId !== void 0) return { kind: "agent", agentId };
    let sessionId2 = /^(.+)\.jsonl$/.exec(relativePath)?.[1];
    return sessionId2 === void 0 ? void 0 : { kind: "session", sessionId: sessionId2 };
  }
  let [sessionId, folder, subfolder, group] = parts;
  if (!(agentId === void 0 || folder !== "subagents"))
    return parts.length === 3 ? { kind: "agent", agentId, sessionId } : parts.length === 5 && subfolder === "workflows" ? { kind: "agent", agentId, sessionId, group } : void 0;
}

// src/harness/problems.ts
function countByReason(problems, earlier = {}) {
  let counts = { ...earlier };
  for (let { reason } of problems) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

// src/harness/claude-code/claiming.ts
function claim2(calls, pool) {
  let table = new ClaimTable(), ordered = calls.toSorted((a, b2) => a.atMs - b2.atMs || (a.id < b2.id ? -1 : 1)), files = pool.toSorted((a, b2) => a.startMs - b2.startMs || (a.id < b2.id ? -1 : 1)), fileById = new Map(files.flatMap((file) => [file.id, ...file.aliases].map((id) => [id, file]))), fileByToolUse = new Map(files.flatMap((file) => file.toolUseId === void 0 ? [] : [[file.toolUseId, file]]));
  for (let call of ordered)
    if (call.runId !== void 0) for (let file of files) file.group === call.runId && table.enlist(call, file);
  for (let call of ordered) {
    let named = call.agentId === void 0 ? void 0 : fileById.get(call.agentId);
    named !== void 0 && table.take(call, named);
  }
  for (let call of ordered) {
    let file = fileByToolUse.get(call.id);
    file !== void 0 && (file.parentAgentId === void 0 || file.parentAgentId === call.holder) && table.take(call, file);
  }
  let guesses = [
    (call, file) => call.name !== void 0 && file.names.includes(call.name),
    (call, file) => call.prompt !== void 0 && call.prompt === file.prompt,
    (call, file) => call.failedAtMs === void 0 && call.type !== void 0 && call.type === file.type
  ];
  for (let fits2 of guesses)
    for (let call of [...ordered.filter((c) => c.failedAtMs === void 0), ...ordered.filter((c) => c.failedAtMs !== void 0)]) {
      if (!call.mayGuess || table.hasTaken(call)) continue;
      let file = files.find(
        (f2) => !f2.isWarmup && !table.isTaken(f2) && f2.toolUseId === void 0 && f2.startMs >= call.atMs && (call.failedAtMs === void 0 || f2.startMs <= call.failedAtMs) && fits2(call, f2) && !table.wouldLoop(call, f2)
      );
      file !== void 0 && table.take(call, file);
    }
  return table.claims(files);
}
var ClaimTable = class {
  #fileOf = /* @__PURE__ */ new Map();
  #membersOf = /* @__PURE__ */ new Map();
  #respawnsOf = /* @__PURE__ */ new Map();
  #adoptedBy = /* @__PURE__ */ new Map();
  #callOf = /* @__PURE__ */ new Map();
  /** The file each placed file came under; `undefined` is the main file. */
  #above = /* @__PURE__ */ new Map();
  #cycles = [];
  hasTaken = (call) => this.#fileOf.has(call.id);
  isTaken = (file) => this.#above.has(file.id);
  take(call, file) {
    this.hasTaken(call) || !this.#place(call, file) || (this.#fileOf.set(call.id, file.id), this.#callOf.set(file.id, call));
  }
  enlist(call, file) {
    this.#place(call, file) && push(this.#membersOf, call.id, file.id);
  }
  /** Does the call stand in the file itself, or in a file below it? */
  wouldLoop = (call, file) => this.#isBelow(call.holder, file.id);
  #place(call, file) {
    return this.isTaken(file) ? !1 : this.wouldLoop(call, file) ? (this.#cycles.push({ callId: call.id, fileId: file.id }), !1) : (this.#above.set(file.id, call.holder), !0);
  }
  #isBelow(id, ancestor) {
    for (let at = id; at !== void 0; at = this.#above.get(at)) if (at === ancestor) return !0;
    return !1;
  }
  claims(files) {
    let started = files.filter((file) => this.#callOf.has(file.id));
    for (let file of files) {
      if (this.isTaken(file) || file.isWarmup) continue;
      let agent = started.find((other) => this.#isRespawn(file, other) && !this.#isBelow(other.id, file.id));
      agent !== void 0 && this.#putUnder(this.#respawnsOf, agent.id, file);
    }
    let known = new Set(files.map((file) => file.id));
    for (let file of files) {
      let parent = file.parentAgentId;
      this.isTaken(file) || parent === void 0 || !known.has(parent) || this.#isBelow(parent, file.id) || this.#putUnder(this.#adoptedBy, parent, file);
    }
    return this.#cutTooDeep(files), {
      fileOf: this.#fileOf,
      membersOf: this.#membersOf,
      respawnsOf: this.#respawnsOf,
      adoptedBy: this.#adoptedBy,
      unclaimed: files.filter((file) => !this.isTaken(file)).map((file) => file.id),
      cycles: this.#cycles
    };
  }
  /** What hangs deeper than any real session nests hangs on nothing: whoever walks the tree must come back. */
  #cutTooDeep(files) {
    let cut = new Set(files.filter((file) => this.isTaken(file) && this.#depthOf(file.id) % 100 === 0).map(({ id }) => id));
    if (cut.size !== 0) {
      for (let id of cut) {
        this.#above.delete(id);
        let call = this.#callOf.get(id);
        call !== void 0 && this.#fileOf.delete(call.id);
      }
      for (let lists of [this.#membersOf, this.#respawnsOf, this.#adoptedBy])
        for (let [parent, ids] of lists)
          lists.set(
            parent,
            ids.filter((id) => !cut.has(id))
          );
    }
  }
  #depthOf(id) {
    let depth = 0;
    for (let at = id; at !== void 0; at = this.#above.get(at)) depth++;
    return depth;
  }
  #putUnder(where, parent, file) {
    this.#above.set(file.id, parent), push(where, parent, file.id);
  }
  /** The CLI began a second file for a teammate it gave a second job. */
  #isRespawn(file, agent) {
    let hangsOn = file.firstParentUuid !== void 0 && agent.holdsUuid(file.firstParentUuid), name = this.#callOf.get(agent.id)?.name;
    return hangsOn || name !== void 0 && file.names.includes(name) && agent.names.includes(name);
  }
}, push = (map, key, value) => {
  map.set(key, [...map.get(key) ?? [], value]);
};

// src/harness/claude-code/outcomes.ts
function toolOutcome(found, startMs, over) {
  if (found === void 0) return over ? { kind: "interrupted" } : { kind: "open" };
  let { result } = found, endedAtMs = Math.max(found.atMs, startMs);
  if (result.details.interrupted || result.stoppedBy === "interruption") return { kind: "interrupted", endedAtMs };
  if (!result.isError) return { kind: "ok", endedAtMs };
  let denial = denialOf(result);
  if (denial === "user") return { kind: "denied", endedAtMs };
  let errorType = denial === "rule" ? "permission_denied" : errorTypeOf(result.head);
  return { kind: "error", endedAtMs, errorType, ...result.message !== void 0 && { message: result.message } };
}
var isLateInterruption = (result) => result.denial === "interrupted" || result.isError && result.head.startsWith("[Tool call interrupted: the session ended"), permissionOf = (result, outcome) => result.permission ?? (outcome.kind === "denied" ? { decision: "reject", source: "user_reject" } : void 0), wasRefused = (result) => result.isError && (result.stoppedBy === "denial" || denialOf(result) === "rule" || ["unknown_tool", "invalid_arguments"].includes(errorTypeOf(result.head)));
function denialOf(result) {
  if (result.denial !== void 0) {
    let byUser = result.permission === void 0 || result.permission.source?.startsWith("user") === !0;
    return result.denial === "user-rejected" && byUser ? "user" : "rule";
  }
  return /^The user doesn't want to (?:proceed with|take) this/.test(result.head) ? "user" : /^(?:Claude requested permissions to |Permission to use .{1,80} has been denied|PreToolUse:\S+ hook error)/.test(result.head) ? "rule" : void 0;
}
function errorTypeOf(head) {
  return /^<tool_use_error>Error: No such tool available/.test(head) ? "unknown_tool" : /^<tool_use_error>InputValidationError/.test(head) ? "invalid_arguments" : /^Agent terminated early due to an API error/.test(head) ? "agent_error" : /\btimed out after\b/.test(head) ? "timeout" : "tool_error";
}
function exitCodeOf(result) {
  let code2 = /^Exit code (\d{1,9})\b/.exec(result.head)?.[1];
  return code2 === void 0 ? void 0 : Number(code2);
}

// src/harness/claude-code/providers.ts
var PROVIDERS = [
  [/^(?:arn:aws:bedrock|(?:[a-z]{2,6}\.)?anthropic\.)/, "aws.bedrock"],
  [/^claude-[\w.-]+@/, "gcp.vertex_ai"],
  [/claude/i, "anthropic"],
  [/(?:^|\/)(?:gpt-|o\d|chatgpt|codex)/i, "openai"],
  [/gemini/i, "gcp.gemini"],
  [/deepseek/i, "deepseek"],
  [/grok/i, "x_ai"],
  [/(?:mi|mag|dev|pix)stral|codestral/i, "mistral_ai"],
  [/kimi/i, "moonshot_ai"]
], OTHER = "_OTHER";
function providerOf(model, messageId) {
  return messageId.startsWith("msg_bdrk_") ? "aws.bedrock" : messageId.startsWith("msg_vrtx_") ? "gcp.vertex_ai" : PROVIDERS.find(([pattern2]) => pattern2.test(model))?.[1] ?? OTHER;
}

// src/harness/claude-code/search.ts
function lowerBound(sorted, fits2) {
  let [low, high] = [0, sorted.length];
  for (; low < high; ) {
    let middle = low + high >> 1;
    fits2(sorted[middle]) ? high = middle : low = middle + 1;
  }
  return low;
}

// src/harness/claude-code/triggers.ts
var markingVersions = (records) => [
  ...new Set(records.flatMap((r) => r.kind === "user" && r.hasTurnPosition ? [r.context.version] : []))
];
function turnStarts(records, markingBefore = []) {
  let marking = /* @__PURE__ */ new Set([...markingBefore, ...markingVersions(records)]), starts = /* @__PURE__ */ new Set(), answered = /* @__PURE__ */ new Set(), candidate;
  for (let record2 of records) {
    if (record2.kind === "assistant" && record2.synthetic === "no" && !answered.has(record2.messageId) && (answered.add(record2.messageId), candidate !== void 0 && starts.add(candidate.line), candidate = void 0), record2.kind !== "user") continue;
    let role = marking.has(record2.context.version) ? markedRole(record2) : unmarkedRole(record2);
    role === "start" ? (starts.add(record2.line), candidate = void 0) : role === "start if answered" && (candidate ??= record2);
  }
  return starts;
}
var markedRole = (record2) => record2.hasTurnPosition && !record2.isCompactSummary ? "start" : "none";
function unmarkedRole(record2) {
  return record2.isCompactSummary || record2.isSidechain || record2.results.length > 0 ? "none" : record2.originKind !== void 0 ? "start" : record2.isMeta || isInterruption(record2) ? "none" : record2.text === void 0 ? record2.hasMedia ? "start" : "none" : isCommand(record2.text) || /^<bash-input>/.test(record2.text) ? "start if answered" : /^<(?:local-command-|bash-)/.test(record2.text) ? "none" : "start";
}
var isUnmarkedTrigger = (record2) => !record2.isMeta && !record2.isCompactSummary && record2.results.length === 0 && (record2.turnOrigin !== void 0 || record2.originKind !== void 0 || /^<(?:bash-input|task-notification)>/.test(record2.text ?? "")), isInterruption = (record2) => record2.text?.startsWith("[Request interrupted by user") === !0, isCommand = (text3) => /^<command-(?:name|message)>/.test(text3) || TYPED_COMMAND.test(text3), TYPED_COMMAND = /^(\/(?:clear|compact|context|cost|init|review|usage))(?:\s|$)/;
function triggerOf(record2) {
  let text3 = record2.text ?? "";
  if (isCommand(text3)) return "command";
  if (/^<bash-(?:input|stdout|stderr)>/.test(text3)) return "bash";
  if (/^<(?:task|bash|agent)-notification>/.test(text3)) return "task_notification";
  if (/^(?:<(?:teammate|agent)-message\b|Another Claude session sent a message)/.test(text3)) return "peer";
  switch (record2.turnOrigin ?? record2.originKind) {
    case "human":
      return "human";
    case "sdk":
      return "sdk";
    case "task_notification":
    case "task-notification":
      return "task_notification";
    case "peer":
    case "coordinator":
      return "peer";
    default:
      return record2.context.entrypoint?.startsWith("sdk") ? "sdk" : "human";
  }
}
function commandOf(record2) {
  let text3 = record2.text ?? "";
  return /<command-name>(\/[^<\s]+)<\/command-name>/.exec(text3)?.[1] ?? TYPED_COMMAND.exec(text3)?.[1];
}
function notificationsIn(text3) {
  return text3.includes("-notification>") ? text3.split(/(?=<(?:task|bash)-notification>)/).filter((piece) => /^<(?:task|bash)-notification>/.test(piece)).map((piece) => ({
    taskId: tag(piece, "task-id") ?? tag(piece, "shell-id"),
    toolUseId: tag(piece, "tool-use-id"),
    status: tag(piece, "status")
  })) : [];
}
var tag = (text3, name) => new RegExp(`<${name}>([^<]{1,200})</${name}>`).exec(text3)?.[1], teammatePrompt = (text3) => /^<teammate-message\b[^>]*>\n?([\s\S]*?)\n?<\/teammate-message>/.exec(text3)?.[1];

// src/harness/claude-code/digest.ts
function indexFile(file, owners) {
  let results = /* @__PURE__ */ new Map(), requests = /* @__PURE__ */ new Map(), responses2 = /* @__PURE__ */ new Map(), answered = /* @__PURE__ */ new Set();
  for (let record2 of file.records)
    if (record2.kind === "request") requests.set(record2.id, record2);
    else if (record2.kind === "assistant") {
      record2.requestRef !== void 0 && answered.add(record2.requestRef);
      let lines2 = responses2.get(record2.messageId);
      lines2 === void 0 ? responses2.set(record2.messageId, [record2]) : lines2.push(record2);
    } else if (record2.kind === "user")
      for (let result of record2.results)
        !isLateInterruption(result) && !results.has(result.toolUseId) && results.set(result.toolUseId, { result, atMs: record2.atMs, line: record2.line });
  let failedRequests = [...requests.values()].filter((request) => !answered.has(request.id));
  return { file, results, requests, failedRequests, responses: responses2, owners };
}
function isEvent(record2) {
  return record2.kind === "assistant" ? record2.synthetic === "no" || record2.synthetic === "api_error" : record2.kind === "user" && (record2.results.some((result) => !isLateInterruption(result)) || isInterruption(record2));
}
var CLOSING_LINES = /* @__PURE__ */ new Set(["stop_hook_summary", "turn_duration", "agents_killed"]);
function digest(index, records, startId) {
  let calls = /* @__PURE__ */ new Map(), toolSites = /* @__PURE__ */ new Map(), problems = [], compactions = [], steering = [], startedAtMs = records[0]?.atMs ?? 0, endedAtMs = Number.NEGATIVE_INFINITY, end = "unanswered", error, closed = !1, failedAttempts = 0, afterCompaction = !1, pending = [], pendingSteering = [], lastInputMs, agentType, latestCall, tells = (owners, id) => (owners.get(id) ?? index.file) === index.file, addToolSites = (record2) => {
    for (let use of record2.toolUses) {
      if (!tells(index.owners.ofCall, use.id)) continue;
      let twin = toolSites.get(use.id);
      twin === void 0 ? toolSites.set(use.id, { use, atMs: record2.atMs, line: record2.line, result: index.results.get(use.id) }) : twin.use.name !== use.name && problems.push({
        line: record2.line,
        reason: "duplicate-tool-use",
        detail: `${use.id} is also the id of a call on line ${twin.line}`
      });
    }
  };
  for (let record2 of records) {
    let lines2 = record2.kind === "assistant" ? index.responses.get(record2.messageId) : void 0;
    if (!(lines2 !== void 0 && lines2[0].line < (records[0]?.line ?? 0)))
      switch (isEvent(record2) && (endedAtMs = Math.max(endedAtMs, record2.atMs), closed = !1), record2.kind) {
        case "assistant": {
          if (record2.synthetic === "api_error" && (error = { errorType: `api_${record2.apiError?.kind ?? "unknown"}`, message: record2.apiError?.message }, [end, closed] = ["failed", !0]), record2.synthetic !== "no") break;
          if (!tells(index.owners.ofResponse, record2.messageId)) {
            addToolSites(record2);
            break;
          }
          if (agentType ??= record2.agentType, end = "answered", error = void 0, !calls.has(record2.messageId)) {
            latestCall = draftOf(record2, [...pending, ...pendingSteering], lastInputMs, failedAttempts, afterCompaction), calls.set(record2.messageId, latestCall), [pending, pendingSteering, failedAttempts, afterCompaction] = [[], [], 0, !1];
            for (let line of lines2 ?? [record2])
              addLine(latestCall, line), addToolSites(line);
          }
          break;
        }
        case "user": {
          isInterruption(record2) && ([end, closed] = ["interrupted", !0]), latestCall !== void 0 && isCutOffNote(record2) && (latestCall.cutOff = !0), (record2.results.length === 0 || record2.results.some((result) => !isLateInterruption(result))) && (record2.results.length > 0 && end === "answered" && (end = "unanswered"), lastInputMs = Math.max(lastInputMs ?? 0, record2.atMs), pending.push(record2));
          break;
        }
        case "steering":
          notificationsIn(record2.text).length === 0 && steering.push(record2), pendingSteering.push(record2);
          break;
        case "system":
          record2.compaction !== void 0 ? (compactions.push({ atMs: record2.atMs, ...record2.compaction }), afterCompaction = !0) : record2.subtype === "api_error" ? failedAttempts++ : CLOSING_LINES.has(record2.subtype) && (closed = !0);
          break;
        case "request":
        case "timed":
          break;
        default:
      }
  }
  let sites = [...toolSites.values()];
  end === "answered" && sites.some((site) => site.result === void 0) && (end = "unanswered");
  let drafts = [...calls.values()], begun = { atMs: startedAtMs, line: 0 }, modelCalls = drafts.map((draft, at) => modelCall(index, draft, drafts[at - 1]?.first ?? begun));
  for (let site of sites)
    site.result !== void 0 && site.result.atMs < site.atMs && problems.push({ line: site.result.line, reason: "end-before-start", detail: `result of ${site.use.id} is older than the call` });
  return endedAtMs !== Number.NEGATIVE_INFINITY && endedAtMs < startedAtMs && problems.push({
    line: records[0]?.line ?? 0,
    reason: "end-before-start",
    detail: "its last line is older than the line that started it"
  }), {
    startId,
    startedAtMs,
    endedAtMs: Math.max(startedAtMs, endedAtMs),
    modelCalls,
    toolSites: sites,
    compactions,
    steering,
    end,
    error,
    closed,
    first: records[0],
    agentType,
    answer: index.file.content ? answerOf(modelCalls) : void 0,
    problems
  };
}
function outcomeOf(digested, over) {
  switch (digested.end) {
    case "answered":
      return { kind: "completed" };
    case "interrupted":
      return { kind: "interrupted" };
    case "failed":
      return {
        kind: "error",
        errorType: digested.error?.errorType ?? "api_unknown",
        ...digested.error?.message !== void 0 && { message: digested.error.message }
      };
    case "unanswered":
      return over ? { kind: "interrupted" } : { kind: "completed" };
    default:
      return digested.end;
  }
}
var draftOf = (first, input, inputMs, failedAttempts, afterCompaction) => ({
  first,
  input,
  inputMs,
  failedAttempts,
  afterCompaction,
  firstMs: first.atMs,
  lastMs: first.atMs,
  requestRef: void 0,
  requestId: void 0,
  requestModel: void 0,
  stopReason: void 0,
  effort: void 0,
  usage: void 0,
  serverToolCalls: 0,
  parts: [],
  cutOff: !1
});
function addLine(call, line) {
  call.firstMs = Math.min(call.firstMs, line.atMs), call.lastMs = Math.max(call.lastMs, line.atMs), call.requestRef ??= line.requestRef, call.requestId ??= line.requestId, call.requestModel ??= line.requestedModel, call.effort ??= line.effort, call.stopReason = line.stopReason ?? call.stopReason, line.usage !== void 0 && (call.usage = call.usage === void 0 ? line.usage : largestOf(call.usage, line.usage)), call.serverToolCalls += line.serverToolUses;
  for (let part of line.parts) call.parts.push(part);
}
var largestOf = (a, b2) => ({
  input: Math.max(a.input, b2.input),
  output: Math.max(a.output, b2.output),
  cacheRead: Math.max(a.cacheRead, b2.cacheRead),
  cacheWrite: Math.max(a.cacheWrite, b2.cacheWrite),
  cacheWrite1h: Math.max(a.cacheWrite1h, b2.cacheWrite1h),
  reasoning: a.reasoning === void 0 ? b2.reasoning : Math.max(a.reasoning, b2.reasoning ?? 0),
  webSearches: Math.max(a.webSearches, b2.webSearches)
}), isCutOffNote = (record2) => record2.isMeta && record2.text?.startsWith("Your response above was cut off") === !0;
function modelCall(index, draft, since) {
  let { first, usage } = draft, request = draft.requestRef === void 0 ? void 0 : index.requests.get(draft.requestRef), content = index.file.content;
  return {
    id: first.messageId,
    requestId: draft.requestId,
    provider: providerOf(first.model, first.messageId),
    requestModel: draft.requestModel,
    model: first.model,
    startedAtMs: Math.min(request?.atMs ?? draft.inputMs ?? draft.firstMs, draft.firstMs),
    endedAtMs: draft.lastMs,
    finishReason: draft.stopReason,
    usage: usage === void 0 ? void 0 : tokenUsage(usage, draft.stopReason !== void 0 && !draft.cutOff),
    effort: draft.effort,
    retries: Math.max(draft.failedAttempts, request === void 0 ? 0 : silentRetries(index, request, first, since)),
    afterCompaction: draft.afterCompaction,
    serverToolCalls: draft.serverToolCalls,
    input: content ? draft.input.map(inputMessage) : void 0,
    output: content ? { role: "assistant", parts: draft.parts } : void 0
  };
}
function silentRetries(index, request, first, since) {
  let { failedRequests } = index, retries = 0;
  for (let at = lowerBound(failedRequests, ({ line }) => line >= first.line) - 1; at >= 0; at--) {
    let other = failedRequests[at];
    if (other.line <= since.line || other.atMs < since.atMs) break;
    other.atMs <= request.atMs && other.source === request.source && retries++;
  }
  return retries;
}
var tokenUsage = (usage, reliable) => ({
  input: usage.input + usage.cacheRead + usage.cacheWrite,
  output: usage.output,
  cacheRead: usage.cacheRead,
  cacheWrite: usage.cacheWrite,
  cacheWrite1h: Math.min(usage.cacheWrite, usage.cacheWrite1h),
  reasoning: usage.reasoning,
  webSearches: usage.webSearches,
  reliable
});
function inputMessage(record2) {
  return record2.kind === "steering" ? { role: "user", parts: [{ kind: "text", text: record2.text }] } : { role: record2.results.length > 0 ? "tool" : "user", parts: record2.parts };
}
var answerOf = (calls) => calls.at(-1)?.output?.parts.filter((part) => part.kind === "text");

// src/harness/claude-code/pool.ts
var COMPACTION_AGENT = /^acompact-/;
function poolOf(main, files, hasTurns) {
  let ordered = mergedById(files).toSorted(
    (a, b2) => Number(a.isFork) - Number(b2.isFork) || startMsOf(a) - startMsOf(b2) || compare(a.agentId, b2.agentId)
  ), told3 = new Set(responses(main).map((record2) => record2.messageId)), compactions = hasTurns ? ordered.filter((file) => isCompaction(file, told3)) : [], candidates2 = ordered.filter((file) => !compactions.includes(file)), aliasesOf = partialCopies(candidates2), dropped = new Set([...aliasesOf.values()].flat()), agents = candidates2.filter((file) => !dropped.has(file.agentId));
  return { given: files, agents, compactions, aliasesOf, owners: ownersAmong([main, ...agents, ...compactions]) };
}
function ownersAmong(files) {
  let ofResponse = /* @__PURE__ */ new Map(), ofCall = /* @__PURE__ */ new Map();
  for (let file of files)
    for (let record2 of responses(file)) {
      ofResponse.has(record2.messageId) || ofResponse.set(record2.messageId, file);
      for (let use of record2.toolUses) ofCall.has(use.id) || ofCall.set(use.id, file);
    }
  return { ofResponse, ofCall };
}
var isCompaction = (file, told3) => COMPACTION_AGENT.test(file.agentId) && responses(file).every((record2) => told3.has(record2.messageId) || record2.toolUses.length === 0);
function mergedById(files) {
  let byId2 = /* @__PURE__ */ new Map();
  for (let file of files) {
    let twin = byId2.get(file.agentId);
    byId2.set(file.agentId, twin === void 0 ? file : merged(twin, file));
  }
  return [...byId2.values()];
}
var merged = (a, b2) => ({
  ...a,
  meta: a.meta ?? b2.meta,
  records: [...a.records, ...b2.records].toSorted((x, y2) => x.atMs - y2.atMs),
  lineOfUuid: new Map([...a.lineOfUuid, ...b2.lineOfUuid]),
  problems: [...a.problems, ...b2.problems]
});
function partialCopies(files) {
  let contents = new Map(files.map((file) => [file, contentOf(file)])), filesWith = /* @__PURE__ */ new Map();
  for (let file of files)
    for (let key of contents.get(file).keys) filesWith.set(key, [...filesWith.get(key) ?? [], file]);
  let into = /* @__PURE__ */ new Map();
  for (let file of files) {
    let own2 = contents.get(file);
    if (file.isFork || own2.keys.size === 0) continue;
    let [firstKey] = own2.keys, whole3 = filesWith.get(firstKey).find((other) => other !== file && !other.isFork && !into.has(other) && isSubset(own2.keys, contents.get(other).keys));
    whole3 !== void 0 && into.set(file, whole3);
  }
  let aliases = /* @__PURE__ */ new Map();
  for (let [copy, whole3] of into) {
    let keeper = whole3;
    for (; into.has(keeper); ) keeper = into.get(keeper);
    aliases.set(keeper.agentId, [...aliases.get(keeper.agentId) ?? [], copy.agentId]);
  }
  return aliases;
}
function contentOf(file) {
  let keys2 = /* @__PURE__ */ new Set(), first = firstPrompt(file);
  first?.uuid !== void 0 && keys2.add(`line ${first.uuid}`);
  for (let record2 of responses(file)) {
    keys2.add(`message ${record2.messageId}`);
    for (let use of record2.toolUses) keys2.add(`tool ${use.id}`);
  }
  return { keys: keys2 };
}
var isSubset = (small, large) => small.size <= large.size && [...small].every((key) => large.has(key)), responses = (file) => file.records.filter((record2) => record2.kind === "assistant" && record2.synthetic === "no"), firstPrompt = (file) => file.records.find((record2) => record2.kind === "user");
function startMsOf(file) {
  return ((file.isFork ? firstPrompt(file) : file.records[0]) ?? file.records[0])?.atMs ?? 0;
}
function isWarmup(file) {
  return file.meta === void 0 && firstPrompt(file)?.text?.trim() === "Warmup";
}
function typeOf(file) {
  return file.meta?.taskKind === "in_process_teammate" ? file.meta.spawnedAgentType ?? void 0 : file.meta?.agentType ?? file.records.find((r) => r.kind === "assistant" && r.agentType !== void 0)?.agentType;
}
function poolFile(file, aliases) {
  let first = firstPrompt(file), text3 = first?.text;
  return {
    id: file.agentId,
    aliases,
    startMs: startMsOf(file),
    toolUseId: file.meta?.toolUseId ?? void 0,
    parentAgentId: file.meta?.parentAgentId ?? void 0,
    group: file.group,
    type: typeOf(file),
    names: [file.meta?.name, file.meta?.agentType].filter((name) => typeof name == "string"),
    prompt: text3 === void 0 ? void 0 : teammatePrompt(text3) ?? text3,
    isWarmup: isWarmup(file),
    firstParentUuid: first?.parentUuid ?? void 0,
    holdsUuid: (uuid2) => file.lineOfUuid.has(uuid2)
  };
}
var compare = (a, b2) => a < b2 ? -1 : a > b2 ? 1 : 0;

// src/harness/claude-code/agents.ts
function agentDigest(index) {
  let { file } = index, first = firstPrompt(file), own2 = file.isFork && first !== void 0 ? file.records.filter((record2) => record2.line >= first.line) : file.records;
  return digest(index, own2, first?.uuid ?? file.agentId ?? file.name);
}
function runOf(digested, toolCalls, finished) {
  let context = digested.first?.context;
  return {
    startId: digested.startId,
    startedAtMs: digested.startedAtMs,
    endedAtMs: digested.endedAtMs,
    modelCalls: digested.modelCalls,
    toolCalls,
    compactions: digested.compactions,
    steeringMs: digested.steering.map((record2) => record2.atMs),
    finished,
    ...context?.version !== void 0 && { version: context.version },
    ...context?.branch !== void 0 && context.branch !== "HEAD" && { branch: context.branch },
    ...digested.answer !== void 0 && { answer: digested.answer }
  };
}
var AgentTree = class {
  #pool;
  #digests;
  #files;
  #sites;
  #claims;
  /** When each task was last told to have ended. */
  #notices;
  #ended;
  constructor(pool, turns, digests, notices, ended) {
    this.#pool = pool, this.#digests = digests, this.#files = new Map(pool.agents.map((file) => [file.agentId, file])), this.#notices = notices, this.#ended = ended, this.#sites = new Map([
      ...turns.flatMap((turn) => turn.toolSites.map((site) => [site.use.id, { site, holder: void 0 }])),
      ...[...digests].flatMap(([holder, agent]) => agent.toolSites.map((site) => [site.use.id, { site, holder }]))
    ]);
    let calls = [...this.#sites.values()].filter(
      ({ site }) => site.use.agentCall !== void 0 || site.result?.result.details.runId !== void 0
    );
    this.#claims = claim2(
      calls.map(agentCall),
      pool.agents.map((file) => poolFile(file, pool.aliasesOf.get(file.agentId) ?? []))
    );
  }
  /** @param over  the run is finished: what has no result by now was interrupted */
  toolCalls(digested, over) {
    return digested.toolSites.map((site) => this.#toolCall(site, over));
  }
  unclaimed() {
    return this.#claims.unclaimed.map((id) => this.#agentRun(id, void 0));
  }
  isWarmup = (agentId) => isWarmup(this.#files.get(agentId));
  knowsCall = (toolUseId) => this.#sites.has(toolUseId);
  /** Main-file problems are told elsewhere. */
  problems() {
    let inFiles = this.#pool.given.flatMap((file) => file.problems), digested = [...this.#digests].flatMap(
      ([id, d]) => d.problems.map((problem) => ({ file: this.#files.get(id).name, ...problem }))
    ), unclaimed = [...this.#claims.unclaimed, ...[...this.#claims.adoptedBy.values()].flat()].filter((id) => !this.isWarmup(id)).map(
      (id) => ({
        file: this.#files.get(id).name,
        line: 0,
        reason: "unclaimed-agent",
        detail: "no call was found that started this agent"
      })
    ), cycles = this.#claims.cycles.map(
      ({ callId, fileId }) => ({
        file: this.#files.get(fileId).name,
        line: 0,
        reason: "agent-cycle",
        detail: `the call ${callId} that names this agent was made by itself or below it`
      })
    );
    return [...inFiles, ...digested, ...unclaimed, ...cycles];
  }
  /** Which turn each agent file came under. */
  turnOfFile(turns) {
    let turnOf = /* @__PURE__ */ new Map(), visit = (agent, at) => {
      turnOf.set(this.#files.get(agent.id).name, at);
      for (let respawn of agent.respawns) visit(respawn, at);
      for (let child of agent.unclaimedAgents) visit(child, at);
      for (let call of agent.toolCalls) visitCall(call, at);
    }, visitCall = (call, at) => {
      for (let agent of [...call.agent === void 0 ? [] : [call.agent], ...call.agents]) visit(agent, at);
    };
    return turns.forEach((turn, at) => {
      for (let call of turn.toolCalls) visitCall(call, at);
      for (let agent of turn.unclaimedAgents) visit(agent, at);
    }), turnOf;
  }
  #toolCall(site, over) {
    let { use, result } = site, found = result?.result, agentRunId = this.#claims.fileOf.get(use.id), details = found?.details, outcome = toolOutcome(result, site.atMs, over);
    return {
      id: use.id,
      name: use.name,
      startedAtMs: site.atMs,
      outcome,
      mcp: mcpOf(use.name),
      skill: use.skill,
      exitCode: found === void 0 ? void 0 : exitCodeOf(found),
      permission: found === void 0 ? void 0 : permissionOf(found, outcome),
      taskId: details?.taskId,
      teammate: details?.splitPane ? details.agentName : void 0,
      agent: agentRunId === void 0 ? void 0 : afterCall(this.#agentRun(agentRunId, site), outcome),
      agents: (this.#claims.membersOf.get(use.id) ?? NO_AGENTS).map((id) => this.#agentRun(id, site)),
      input: use.input,
      output: found?.value
    };
  }
  #agentRun(id, site) {
    let file = this.#files.get(id), digested = this.#digests.get(id), finished = this.#ended || this.#isDone(file, digested, site), team = teamName(file, site), type = team === void 0 ? typeOf(file) ?? site?.use.agentCall?.type : file.meta?.spawnedAgentType ?? site?.use.agentCall?.type, description = file.meta?.description ?? site?.use.agentCall?.description, first = firstPrompt(file), run2 = runOf(digested, this.toolCalls(digested, finished), finished), respawns = (this.#claims.respawnsOf.get(id) ?? []).map((respawn) => this.#agentRun(respawn, site)), runs = [{ ...run2, outcome: outcomeOf(digested, finished) }, ...respawns], { outcome, answer } = runs.at(-1);
    return {
      ...run2,
      id,
      name: team ?? type ?? "subagent",
      outcome,
      ...answer !== void 0 && { answer },
      endedAtMs: Math.max(...runs.map(({ endedAtMs }) => endedAtMs)),
      finished: runs.every((each) => each.finished),
      compactions: runs.flatMap(({ compactions }) => compactions),
      steeringMs: runs.flatMap(({ steeringMs }) => steeringMs),
      unclaimedAgents: (this.#claims.adoptedBy.get(id) ?? []).map((child) => this.#agentRun(child, void 0)),
      respawns,
      ...type !== void 0 && { type },
      ...file.content && description != null && { description },
      ...file.content && first !== void 0 && { prompt: first.parts }
    };
  }
  /** Told to have ended: by a result that waited for it, by a notification, or by its own meta. */
  #isDone(file, digested, site) {
    let ids = [file.agentId, ...this.#pool.aliasesOf.get(file.agentId) ?? []], result = site?.result, taskId = result?.result.details.taskId, isAfter = (atMs) => atMs >= digested.endedAtMs;
    if ([...ids, ...taskId === void 0 ? [] : [taskId]].some((id) => isAfter(this.#notices.get(id) ?? 0))) return !0;
    if (result === void 0 || !isAfter(result.atMs)) return !1;
    let { status } = result.result.details;
    return result.result.isError || status === "completed" || status === void 0 && file.meta?.finished === !0;
  }
}, NO_AGENTS = [];
function afterCall(agent, call) {
  return agent.outcome.kind !== "completed" ? agent : call.kind === "error" ? {
    ...agent,
    outcome: { kind: "error", errorType: call.errorType, ...call.message !== void 0 && { message: call.message } }
  } : call.kind === "denied" || call.kind === "interrupted" ? { ...agent, outcome: { kind: "interrupted" } } : agent;
}
function mcpOf(name) {
  let match = name.startsWith("mcp__") ? /^mcp__(.+?)__(.+)$/.exec(name) : null;
  return match === null ? void 0 : { server: match[1], tool: match[2] };
}
function teamName(file, site) {
  let { meta: meta2 } = file;
  if (meta2?.taskKind === "in_process_teammate") return meta2.name ?? meta2.agentType ?? void 0;
  let details = site?.result?.result.details;
  return details?.status === "teammate_spawned" ? details.agentName ?? site?.use.agentCall?.name : void 0;
}
function agentCall({ site, holder }) {
  let input = site.use.agentCall, result = site.result?.result, agentId = result?.details.agentId?.includes("@") ? void 0 : result?.details.agentId;
  return {
    id: site.use.id,
    holder,
    atMs: site.atMs,
    prompt: input?.prompt,
    type: input?.type,
    name: result?.details.agentName ?? (result === void 0 ? input?.name : void 0),
    agentId,
    runId: result?.details.runId,
    failedAtMs: result?.isError ? site.result?.atMs : void 0,
    // A result that names its agent leaves nothing to guess: that file is gone, or another call began it.
    mayGuess: input !== void 0 && agentId === void 0 && !(result !== void 0 && (result.details.splitPane || wasRefused(result)))
  };
}

// src/harness/claude-code/before.ts
var LAST_IDS_MAX = 200;
function lineBefore(segments) {
  for (let { records } of segments.toReversed()) {
    let last = records.findLast(isEvent);
    if (last === void 0) continue;
    let lastAnswer = records.findLastIndex((record2) => record2.kind === "assistant"), lead = records.slice(lastAnswer + 1).find((record2) => record2.kind === "user" && record2.hasTurnPosition === !1 && isUnmarkedTrigger(record2));
    return lead === void 0 ? last.line : Math.min(last.line, lead.line - 1);
  }
}
function lastIdsOf(main, segment, upToLine) {
  let uuids = [...main.lineOfUuid].filter(([, line]) => line >= segment.firstLine && line <= upToLine).map(([uuid2]) => uuid2), responses2 = new Set(segment.records.flatMap((record2) => record2.kind === "assistant" ? [record2.messageId] : []));
  return [...uuids.slice(-LAST_IDS_MAX), ...[...responses2].slice(-LAST_IDS_MAX)];
}
var lastEventMs = (records) => records.reduce((latest, record2) => isEvent(record2) ? Math.max(latest, record2.atMs) : latest, 0);
function isDoubtful(main, segments, before) {
  let firstStart = segments[0]?.start?.line ?? Number.POSITIVE_INFINITY, lastIds = new Set(before.lastIds);
  return main.records.some(
    (record2) => (
      // Somebody went on with a turn that was over.
      record2.line < firstStart && (isEvent(record2) || record2.kind === "assistant") || // An old line again, or one that came late.
      (record2.kind === "assistant" || record2.kind === "user") && record2.atMs < before.endedAtMs || record2.uuid !== void 0 && lastIds.has(record2.uuid) || record2.kind === "assistant" && lastIds.has(record2.messageId)
    )
  ) || segments.some(({ start }) => start?.uuid === void 0 || hangsElsewhere(main, start.parentUuid, lastIds));
}
function hangsElsewhere(main, parentUuid, lastIds) {
  return parentUuid === void 0 ? !1 : parentUuid === null || !(main.lineOfUuid.has(parentUuid) || lastIds.has(parentUuid));
}
var reachesBack = (index, knowsCall, knowsTask) => [...index.results.keys()].some((id) => !knowsCall(id)) || index.file.records.some(
  (record2) => (record2.kind === "user" && record2.results.length === 0 || record2.kind === "steering") && notificationsIn(record2.text ?? "").some(
    ({ taskId, toolUseId }) => ![taskId, toolUseId].some((id) => id !== void 0 && knowsTask(id))
  )
);

// src/harness/claude-code/segments.ts
function segmentsOf(file, ended, before) {
  let starts = turnStarts(
    file.records,
    before?.markingVersions.map((version2) => version2 ?? void 0)
  ), cuts = [], current = { records: [], start: void 0, lead: [] }, lead = [];
  for (let record2 of file.records) {
    if (record2.kind === "user" && starts.has(record2.line)) {
      let idle = takeIdleCompactions(current, before !== void 0 && cuts.length === 0);
      cuts.push(current), current = { records: [record2, ...idle], start: record2, lead }, lead = [];
      continue;
    }
    current.records.push(record2), record2.kind === "user" && isUnmarkedTrigger(record2) ? lead.push(record2) : record2.kind === "assistant" && (lead = []);
  }
  ended || takeIdleCompactions(current), cuts.push(current);
  let [beginning, ...turns] = cuts, all = beginning.records.some((r) => r.kind === "assistant" && r.synthetic !== "no_response") ? [spoken(beginning), ...turns] : turns;
  return all.map((draft, at) => ({
    ...draft,
    firstLine: at === 0 && before === void 0 ? 0 : draft.records[0].line,
    lastLine: (all[at + 1]?.records[0]?.line ?? Number.POSITIVE_INFINITY) - 1
  }));
}
function takeIdleCompactions(turn, allIdle = !1) {
  let last = turn.records.findLastIndex(isEvent), idle = last < 0 && !allIdle ? [] : turn.records.slice(Math.max(0, last)).filter((record2) => record2.kind === "system" && record2.compaction !== void 0);
  return idle.length > 0 && (turn.records = turn.records.filter((record2) => !idle.includes(record2))), idle;
}
function spoken(draft) {
  let first = draft.records.findIndex((record2) => record2.kind === "user" || record2.kind === "assistant");
  return { ...draft, records: draft.records.slice(first) };
}
function sessionIdOf(file, fromName) {
  let last;
  for (let { context } of file.records) {
    if (context.sessionId === fromName) return fromName;
    last = context.sessionId ?? last;
  }
  return last ?? fromName;
}
function copyMark(segment, sessionId, begunMs2) {
  let { start } = segment, answer = segment.records.find((record2) => record2.kind === "assistant"), original = [start?.copiedFrom, start?.context.sessionId, answer?.copiedFrom].find((id) => id !== void 0 && id !== sessionId);
  if (original !== void 0) return { sessionId: original };
  let last = segment.records.findLast(isEvent);
  return last !== void 0 && last.atMs < begunMs2 ? {} : void 0;
}
function begunMs(file, segments) {
  let firstStart = segments[0]?.start?.line ?? 0, latest = 0;
  for (let record2 of file.records) {
    if (record2.line >= firstStart) break;
    record2.kind !== "request" && (latest = Math.max(latest, record2.atMs));
  }
  return latest;
}
function turnsKept(file, segments, at, before) {
  let start = segments[at]?.start;
  if (start === void 0 || at === 0 || start.parentUuid === void 0) return at;
  if (start.parentUuid === null)
    return segments[0]?.start?.parentUuid === null && (at === 1 || segments[at - 1]?.start?.parentUuid) ? 0 : at;
  let line = file.lineOfUuid.get(start.parentUuid);
  if (line === void 0 && before?.lastIds.includes(start.parentUuid)) return 0;
  if (line === void 0 || line >= start.line) return at;
  let firstStart = segments[0]?.start?.line ?? 0;
  return line < firstStart ? 0 : lowerBound(segments, ({ lastLine }) => lastLine >= line) + 1;
}

// src/harness/claude-code/normalise.ts
var AGENT_NAME = "claude-code", NO_OWNERS = { ofResponse: /* @__PURE__ */ new Map(), ofCall: /* @__PURE__ */ new Map() }, normalise = (parsed2) => told(parsed2, segmentsOf(parsed2.main, parsed2.ended), void 0);
function resume(added2, checkpoint) {
  let before = checkpoint.before, segments = segmentsOf(added2.main, added2.ended, before);
  return isDoubtful(added2.main, segments, before) ? void 0 : told(added2, segments, { ...checkpoint, before });
}
function told(parsed2, segments, resumed) {
  let { main, ended, stoppedAtMs = 0 } = parsed2, before = resumed?.before, sessionId = before?.sessionId ?? sessionIdOf(main, parsed2.sessionId), pool = poolOf(main, parsed2.agents, segments.length > 0), indexOf = (file) => indexFile(file, pool.owners), mainIndex = indexOf(main), startIds = startIdsOf(segments, sessionId), turnDigests = segments.map((segment, at) => digest(mainIndex, segment.records, startIds[at])), agentIndexes = pool.agents.map(indexOf), agentDigests = new Map(agentIndexes.map((index) => [index.file.agentId, agentDigest(index)])), notices = new Map([main, ...pool.agents].flatMap(noticesIn)), agents = new AgentTree(pool, turnDigests, agentDigests, notices, ended), placed = placeUnclaimed(agents, segments, turnDigests), summaries = compactionCalls(pool, indexOf, turnDigests), begun = before?.begunMs ?? begunMs(main, segments);
  if (resumed !== void 0 && (agents.unclaimed().length > 0 || pool.compactions.length > 0)) return;
  let drafts = segments.map((segment, at) => {
    let digested = turnDigests[at], stopped = digested.end === "answered" && digested.endedAtMs <= stoppedAtMs, finished = ended || at < segments.length - 1 || digested.closed || stopped, kept = turnsKept(main, segments, at, before), copiedFrom = copyMark(segment, sessionId, begun), command = segment.start === void 0 ? void 0 : commandOf(segment.start), outcome = outcomeOf(digested, finished), trigger = segment.start === void 0 ? "unknown" : triggerOf(segment.start), silent = trigger === "command" && digested.modelCalls.length === 0 && outcome.kind === "interrupted";
    return {
      ...runOf(digested, agents.toolCalls(digested, finished), finished),
      modelCalls: [...digested.modelCalls, ...summaries.get(at) ?? []],
      unclaimedAgents: placed.byTurn.get(at) ?? [],
      outcome: silent ? { kind: "completed" } : outcome,
      number: (before?.turns ?? 0) + at + 1,
      trigger,
      ...command !== void 0 && { command },
      ...copiedFrom !== void 0 && { copiedFrom },
      ...kept < at && {
        rewound: {
          toTurnId: turnDigests[kept - 1]?.startId ?? before?.previousTurnId ?? null,
          droppedTurnIds: turnDigests.slice(kept, at).map((d) => d.startId)
        }
      },
      ...main.content && segment.start !== void 0 && { prompt: [...segment.lead, segment.start].flatMap((record2) => record2.parts) }
    };
  }), refs = new Map([...Object.entries(before?.tasks ?? {}), ...taskRefs(drafts, placed.strays)]);
  if (resumed !== void 0 && reachesBack(mainIndex, agents.knowsCall, (id) => refs.has(id))) return;
  let turnOfFile = agents.turnOfFile(drafts), problems = [...problemsOf(main, segments, turnDigests, [mainIndex, ...agentIndexes], agents), ...agents.problems()], turnOfLine = (line) => lowerBound(segments, ({ lastLine }) => lastLine >= line), problemCounts = countByTurn(problems, main.name, turnOfLine, turnOfFile), turns = drafts.map(
    (draft, at) => ({
      ...draft,
      notifiedBy: notifiers(segments[at], refs),
      problems: problemCounts.get(at) ?? 0
    })
  ), startedBy = before?.startedBy ?? leadCall(main, parsed2.related), agentName = before?.agentName ?? main.records.find((r) => r.context.team !== void 0 && r.context.teammate !== void 0)?.context.teammate ?? AGENT_NAME;
  return {
    checkpointAt: (wanted) => {
      if (sessionId !== parsed2.sessionId) return;
      let line = lineBefore(segments.slice(0, wanted));
      if (line === void 0) return resumed;
      let earlier = segments.filter(({ firstLine }) => firstLine <= line), at = earlier.length, placedIn = new Set(pool.given.flatMap(({ name, agentId }) => (turnOfFile.get(name) ?? at) < at ? [agentId] : [])), copies = [...placedIn].flatMap((id) => pool.aliasesOf.get(id) ?? []);
      return {
        line,
        agents: [.../* @__PURE__ */ new Set([...resumed?.agents ?? [], ...placedIn, ...copies, ...pool.compactions.map(({ agentId }) => agentId)])],
        problems: countByReason(
          problems.filter((problem) => problem.file === main.name ? problem.line <= line : (turnOfFile.get(problem.file) ?? at) < at),
          resumed?.problems
        ),
        before: {
          sessionId,
          agentName,
          begunMs: begun,
          turns: (before?.turns ?? 0) + at,
          previousTurnId: startIds[at - 1],
          endedAtMs: Math.max(before?.endedAtMs ?? 0, ...earlier.map(({ records }) => lastEventMs(records))),
          markingVersions: [.../* @__PURE__ */ new Set([...before?.markingVersions ?? [], ...markingVersions(main.records)])].map((v2) => v2 ?? null),
          lastIds: lastIdsOf(main, earlier.at(-1), line),
          tasks: { ...before?.tasks, ...Object.fromEntries(tasksIn(taskRefs(drafts.slice(0, at), []))) },
          startedBy
        }
      };
    },
    session: {
      id: sessionId,
      harness: AGENT_NAME,
      agentName,
      turns,
      previousTurnId: before?.previousTurnId,
      strays: placed.strays,
      ...startedBy !== void 0 && { startedBy }
    },
    problems
  };
}
function startIdsOf(segments, sessionId) {
  let given = /* @__PURE__ */ new Map();
  return segments.map((segment) => {
    let first = segment.start ?? segment.records[0], id = first?.uuid ?? `${sessionId}@${first?.atMs ?? 0}`, before = given.get(id) ?? 0;
    return given.set(id, before + 1), before === 0 ? id : `${id}#${before + 1}`;
  });
}
function placeUnclaimed(agents, segments, turns) {
  let byTurn = /* @__PURE__ */ new Map(), strays = [];
  for (let agent of agents.unclaimed()) {
    if (segments.length === 0) {
      strays.push(agent);
      continue;
    }
    let at = turnAt(turns, agent.startedAtMs);
    byTurn.set(at, [...byTurn.get(at) ?? [], agent]);
  }
  return { byTurn, strays };
}
function turnAt(turns, atMs) {
  let during = turns.findIndex((turn) => turn.startedAtMs <= atMs && atMs <= turn.endedAtMs);
  if (during >= 0) return during;
  let next = turns.findIndex((turn) => turn.startedAtMs > atMs);
  return next >= 0 ? next : turns.length - 1;
}
function compactionCalls(pool, indexOf, turns) {
  let byTurn = /* @__PURE__ */ new Map();
  for (let file of pool.compactions)
    for (let call of digest(indexOf(file), file.records, file.agentId).modelCalls) {
      let compacting = turns.findIndex((turn) => turn.compactions.some((compaction) => compaction.atMs >= call.startedAtMs)), at = compacting >= 0 ? compacting : turnAt(turns, call.startedAtMs);
      byTurn.set(at, [...byTurn.get(at) ?? [], call]);
    }
  return byTurn;
}
function noticesIn(file) {
  return file.records.flatMap(
    (record2) => record2.kind === "user" && record2.results.length === 0 || record2.kind === "steering" ? notificationsIn(record2.text ?? "").flatMap((notice) => notice.taskId === void 0 ? [] : [[notice.taskId, record2.atMs]]) : []
  );
}
function taskRefs(turns, strays) {
  let refs = /* @__PURE__ */ new Map(), visitAgent = (agent, ref) => {
    refs.set(agent.id, ref);
    for (let respawn of agent.respawns) visitAgent(respawn, ref);
    for (let child of agent.unclaimedAgents) visitAgent(child, { startId: ref.startId, id: child.id, kind: "agent" });
    for (let call of agent.toolCalls) visitCall(call, ref.startId);
  }, visitCall = (call, startId) => {
    let ref = { startId, id: call.id, kind: "call" };
    refs.set(call.id, ref), call.taskId !== void 0 && refs.set(call.taskId, ref), call.agent !== void 0 && visitAgent(call.agent, ref);
    for (let agent of call.agents) visitAgent(agent, { startId, id: agent.id, kind: "agent" });
  };
  for (let turn of turns) {
    for (let call of turn.toolCalls) visitCall(call, turn.startId);
    for (let agent of turn.unclaimedAgents) visitAgent(agent, { startId: turn.startId, id: agent.id, kind: "agent" });
  }
  for (let agent of strays) visitAgent(agent, { startId: agent.startId, id: agent.id, kind: "agent" });
  return refs;
}
var tasksIn = (refs) => [...refs].filter(([id, ref]) => ref.kind === "agent" || ref.id !== id);
function notifiers(segment, refs) {
  let steering = segment.records.filter((record2) => record2.kind === "steering"), found = [...segment.lead, segment.start, ...steering].flatMap((record2) => record2?.text ?? []).flatMap(notificationsIn).flatMap((notice) => refs.get(notice.taskId ?? "") ?? refs.get(notice.toolUseId ?? "") ?? []);
  return [...new Set(found)];
}
function problemsOf(main, segments, turns, indexes, agents) {
  let orphans = indexes.flatMap(
    ({ file, results }) => [...results].filter(([id]) => !agents.knowsCall(id)).map(
      ([id, { line }]) => ({
        file: file.name,
        line,
        reason: "orphan-result",
        detail: `no call ${id} was found for this result`
      })
    )
  ), nameless = segments.filter(({ start, records }) => (start ?? records[0])?.uuid === void 0).map(
    ({ firstLine, start }) => ({
      file: main.name,
      line: start?.line ?? firstLine,
      reason: "missing-uuid",
      detail: "the line that starts the turn has none: its trace has an id of the session and the time instead"
    })
  );
  return [
    ...main.problems,
    ...nameless,
    ...turns.flatMap((turn) => turn.problems.map((problem) => ({ file: main.name, ...problem }))),
    ...orphans
  ];
}
function countByTurn(problems, mainName, turnOfLine, turnOfFile) {
  let counts = /* @__PURE__ */ new Map();
  for (let problem of problems) {
    let at = problem.file === mainName ? turnOfLine(problem.line) : turnOfFile.get(problem.file);
    at !== void 0 && counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  return counts;
}
function leadCall(main, related) {
  let name = main.records.find((record2) => record2.context.team !== void 0)?.context.teammate;
  if (name !== void 0)
    for (let lead of related) {
      let index = indexFile(lead, NO_OWNERS), segments = segmentsOf(lead, !0), startIds = startIdsOf(segments, lead.name);
      for (let [at, segment] of segments.entries()) {
        let digested = digest(index, segment.records, startIds[at]), site = digested.toolSites.find(({ result }) => result?.result.details.splitPane && result.result.details.agentName === name);
        if (site !== void 0) return { startId: digested.startId, id: site.use.id, kind: "call" };
      }
    }
}

// src/harness/claude-code/cut.ts
var RESULT = Buffer.from('"type":"tool_result"'), FAILED = Buffer.from('"is_error":true'), TEXT = Buffer.from('"type":"tool_result","content":"'), TEXT_ENDS = ['"}]},"uuid":"', '","is_error":false}]},"uuid":"'].map((mark3) => Buffer.from(mark3)), DETAILS = Buffer.from('"toolUseResult":{'), DETAIL_CUTS = [
  { begin: '"stdout":"', keepsBeginning: !0, end: '","stderr":"' },
  { begin: '"type":"text","file":', keepsBeginning: !1, end: '},"sourceToolAssistantUUID":"' },
  { begin: '"filePath":', keepsBeginning: !1, end: '},"sourceToolAssistantUUID":"' },
  { begin: '"type":"create","filePath":', keepsBeginning: !1, end: '},"sourceToolAssistantUUID":"' },
  { begin: '"type":"update","filePath":', keepsBeginning: !1, end: '},"sourceToolAssistantUUID":"' }
].map(({ begin, keepsBeginning, end }) => ({ begin: Buffer.from(begin), keeps: keepsBeginning ? begin.length : 0, end: Buffer.from(end) })), NEXT_FIELD = Buffer.from('","'), NEEDED = /"(?:permissionDecision|toolDenialKind|timestamp|uuid|sessionId|isMeta)":/;
function valueWithoutResult(line) {
  if (line.length < 4096) return;
  let text3 = line.subarray(0, 600).indexOf(TEXT);
  if (text3 < 0) return;
  let from = text3 + TEXT.length, details = line.indexOf(DETAILS, from), message = details < 0 ? line : line.subarray(0, details), tail = Math.max(from, message.length - 600), to = TEXT_ENDS.map((mark3) => message.indexOf(mark3, tail)).find((at) => at >= 0);
  if (!(to === void 0 || holds(line, FAILED, 0, text3) || holds(line, RESULT, 0, text3)) && !(holds(line, NEXT_FIELD, from, to) || holds(line, RESULT, from, to)))
    try {
      return JSON.parse(line.toString("utf8", 0, from) + withoutDetails(line, to, details));
    } catch {
      return;
    }
}
function withoutDetails(line, to, details) {
  let start = details + DETAILS.length, cut = details < 0 ? void 0 : DETAIL_CUTS.find(({ begin }) => line.subarray(start, start + begin.length).equals(begin));
  if (cut === void 0) return line.toString("utf8", to);
  let from = start + cut.keeps, end = line.indexOf(cut.end, start);
  return end < 0 || (cut.keeps > 0 ? holds(line, NEXT_FIELD, from, end) : NEEDED.test(line.toString("latin1", from, end))) ? line.toString("utf8", to) : line.toString("utf8", to, from) + line.toString("utf8", end);
}
var holds = (line, mark3, from, to) => line.subarray(from, to).includes(mark3);

// src/harness/claude-code/lines.ts
var SKIPPED_TYPES = /* @__PURE__ */ new Set([
  "api-request-shape",
  "api-request-blob",
  "file-history-snapshot",
  "file-history-delta",
  "last-prompt",
  "mode",
  "permission-mode",
  "atis-latch",
  "tools-used",
  "agent-setting",
  "agent-name",
  "custom-title",
  "ai-title",
  "summary",
  "progress",
  "cost-state"
]), KEPT_ATTACHMENTS = /* @__PURE__ */ new Set(["queued_command"]), HEAD_BYTES = 600, LEADING_TYPE = /^\{(?:"\w+":(?:"[^"\\]*"|null|true|false|\d+),)*?(?:"type":"([\w-]+)"|"attachment":\{"type":"(\w+)")/;
function* decodeLines(lines2, add, { content }, firstLine = 1) {
  let number3 = firstLine - 1, failure3;
  for (let line of lines2) {
    number3++, failure3 !== void 0 && add(failure3.line, "not-json", failure3.detail), failure3 = void 0;
    let skipping = skippingOf(line);
    if (skipping !== "no") {
      skipping !== "yes" && (yield { kind: "skipped", line: number3, uuid: uuidOf(line) });
      continue;
    }
    let value = content || typeof line == "string" ? void 0 : valueWithoutResult(asBuffer(line));
    if (value === void 0) {
      let text3 = cleaned(typeof line == "string" ? line : asBuffer(line).toString("utf8"), number3);
      if (text3 === "") continue;
      try {
        value = JSON.parse(text3);
      } catch (error) {
        failure3 = { line: number3, detail: whyNotJson(error) };
        continue;
      }
    }
    if (typeof value != "object" || value === null || Array.isArray(value)) {
      add(number3, "not-an-object", `a line must be a JSON object, this one is ${Array.isArray(value) ? "an array" : typeof value}`);
      continue;
    }
    yield { kind: "value", line: number3, value };
  }
  failure3 !== void 0 && add(failure3.line, "torn-line", failure3.detail);
}
function cleaned(text3, line) {
  let start = line === 1 && text3.charCodeAt(0) === 65279 ? 1 : 0;
  for (; text3.charCodeAt(start) === 0; ) start++;
  return text3.slice(start).trim();
}
function skippingOf(line) {
  let head = typeof line == "string" ? line.slice(0, HEAD_BYTES) : asBuffer(line).toString("latin1", 0, HEAD_BYTES), match = LEADING_TYPE.exec(head);
  if (match === null) return "no";
  let [, type, attachment] = match;
  return type !== void 0 ? SKIPPED_TYPES.has(type) ? type === "progress" ? "yes, but it is a link of the tree" : "yes" : "no" : attachment === void 0 || KEPT_ATTACHMENTS.has(attachment) ? "no" : "yes, but it is a link of the tree";
}
function uuidOf(line) {
  let key = '"uuid":"', start = (typeof line == "string" ? line.lastIndexOf(key) : asBuffer(line).lastIndexOf(key)) + key.length;
  if (start < key.length) return;
  let uuid2 = typeof line == "string" ? line.slice(start, start + 36) : asBuffer(line).toString("latin1", start, start + 36);
  return /^[0-9a-f-]{36}$/.test(uuid2) ? uuid2 : void 0;
}
var asBuffer = (bytes) => Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

// src/harness/claude-code/meta.ts
function readMeta(json, add) {
  let complain = (detail) => add(0, "bad-meta", detail), meta2;
  try {
    meta2 = JSON.parse(json);
  } catch (error) {
    complain(`its .meta.json is not JSON: ${whyNotJson(error)}`);
    return;
  }
  if (!isObject2(meta2)) {
    complain("its .meta.json is no JSON object");
    return;
  }
  return {
    agentType: textAt(meta2, "agentType", complain),
    name: textAt(meta2, "name", complain),
    description: textAt(meta2, "description", complain),
    toolUseId: textAt(meta2, "toolUseId", complain),
    parentAgentId: textAt(meta2, "parentAgentId", complain),
    taskKind: textAt(meta2, "taskKind", complain),
    spawnedAgentType: textAt(meta2, "spawnedAgentType", complain),
    isFork: flagAt(meta2, "isFork", complain),
    finished: flagAt(meta2, "finished", complain)
  };
}

// src/harness/claude-code/parts.ts
function blocksOf(content, complain) {
  return typeof content == "string" ? [{ type: "text", text: content }] : Array.isArray(content) ? content.every(isBlock) ? content : (complain("content: a block without a type"), content.filter(isBlock)) : (content != null && complain(`content: expected text or blocks, got ${typeof content}`), []);
}
var isBlock = (value) => isObject2(value) && typeof value.type == "string", partsOf = (blocks) => blocks.flatMap(partOf);
function textOf3(blocks) {
  let text3;
  for (let block of blocks)
    block.type !== "text" || typeof block.text != "string" || (text3 = text3 === void 0 ? block.text : `${text3}
${block.text}`);
  return text3;
}
function resultValue(content) {
  if (!Array.isArray(content)) return content;
  let blocks = content.filter(isBlock);
  return blocks.every((block) => block.type === "text") ? textOf3(blocks) : partsOf(blocks);
}
var word = (block, key) => typeof block[key] == "string" ? block[key] : void 0;
function partOf(block) {
  let id = word(block, "id");
  switch (block.type) {
    case "text": {
      let text3 = word(block, "text");
      return text3 === void 0 ? [] : [{ kind: "text", text: text3 }];
    }
    case "thinking": {
      let text3 = word(block, "thinking");
      return [text3 ? { kind: "reasoning", text: text3 } : { kind: "other", type: "thinking" }];
    }
    case "tool_use":
      return [{ kind: "tool_call", id: id ?? "", name: word(block, "name") ?? "unknown", arguments: block.input }];
    case "tool_result":
      return [{ kind: "tool_result", id: word(block, "tool_use_id") ?? "", result: resultValue(block.content) }];
    case "server_tool_use":
      return [
        { kind: "server_tool_call", ...id !== void 0 && { id }, name: word(block, "name") ?? "unknown", arguments: block.input }
      ];
    case "web_search_tool_result":
    case "web_fetch_tool_result":
    case "code_execution_tool_result": {
      let callId = word(block, "tool_use_id"), name = block.type.replace(/_tool_result$/, "");
      return [{ kind: "server_tool_result", ...callId !== void 0 && { id: callId }, name, result: block.content }];
    }
    case "image":
    case "document":
      return [mediaPart(block)];
    default:
      return [{ kind: "other", type: block.type }];
  }
}
function mediaPart(block) {
  let source = isObject2(block.source) ? block.source : {}, { media_type: mimeType, data } = source;
  return {
    kind: "media",
    modality: block.type,
    ...typeof mimeType == "string" && { mimeType },
    bytes: typeof data == "string" ? Math.floor(data.length * 3 / 4) : 0
  };
}

// src/harness/claude-code/reader.ts
var HEAD_CHARS = 2e3, RESULT_HEAD_CHARS = 300, AGENT_TOOLS = /* @__PURE__ */ new Set(["Agent", "Task"]), LAST_MS = 18446744073709, API_ERRORS = /* @__PURE__ */ new Set([
  "api_error",
  "authentication_error",
  "authentication_failed",
  "billing_error",
  "invalid_request",
  "invalid_request_error",
  "max_output_tokens",
  "not_found_error",
  "overloaded",
  "overloaded_error",
  "permission_error",
  "rate_limit",
  "rate_limit_error",
  "request_too_large",
  "server_error",
  "timeout_error"
]), DENIAL_BEFORE_RUN_SINCE = [2, 1, 329], NO_PARTS = [], NO_TOOLS = [], NO_RESULTS = [], LineReader = class {
  #content;
  #add;
  #line = 0;
  #context;
  /** Of the last line that had one: the best guess for a line without. */
  #atMs = 0;
  #sawPrompt = !1;
  #scope;
  /** @param scope  tells the file from the others of its session, for ids of what has none */
  constructor(scope, content, add) {
    this.#scope = scope, this.#content = content, this.#add = add;
  }
  read(line, value) {
    switch (this.#line = line, value.type) {
      case "assistant":
        return this.#assistant(value);
      case "user":
        return this.#user(value);
      case "system":
        return this.#system(value);
      case "api-request": {
        let id = this.#text(value, "id");
        return id === void 0 ? void 0 : { kind: "request", id, source: this.#text(value, "querySource"), ...this.#common(value) };
      }
      case "attachment": {
        let attachment = this.#object(value, "attachment");
        return attachment?.type !== "queued_command" ? { kind: "timed", ...this.#common(value) } : { kind: "steering", text: this.#cut(textOf3(blocksOf(attachment.prompt, this.#complain)) ?? ""), ...this.#common(value) };
      }
      default:
        return typeof value.type != "string" && this.#complain("type: there is none"), typeof value.timestamp == "string" ? { kind: "timed", ...this.#common(value) } : void 0;
    }
  }
  #complain = (detail) => this.#add(this.#line, "wrong-shape", detail);
  #text = (fields, key) => textAt(fields, key, this.#complain);
  #flag = (fields, key) => flagAt(fields, key, this.#complain);
  #count = (fields, key) => countAt(fields, key, this.#complain);
  #object = (fields, key) => objectAt(fields, key, this.#complain);
  #common(value) {
    let parentUuid = value.parentUuid;
    return {
      line: this.#line,
      uuid: this.#text(value, "uuid"),
      parentUuid: parentUuid === null ? null : this.#text(value, "parentUuid"),
      atMs: this.#time(value),
      context: this.#sharedContext(value),
      copiedFrom: value.forkedFrom === void 0 ? void 0 : this.#text(this.#object(value, "forkedFrom") ?? {}, "sessionId")
    };
  }
  #time(value) {
    let text3 = this.#text(value, "timestamp"), atMs = text3 === void 0 ? Number.NaN : utcMs(text3);
    return atMs > 0 && atMs <= LAST_MS ? this.#atMs = atMs : this.#add(this.#line, "missing-timestamp", text3 === void 0 ? "no timestamp" : `unusable timestamp ${text3}`), this.#atMs;
  }
  /** The same object as long as nothing in it changes. */
  #sharedContext(value) {
    let c = this.#context;
    return c !== void 0 && c.sessionId === value.sessionId && c.version === value.version && c.cwd === value.cwd && c.branch === value.gitBranch && c.entrypoint === value.entrypoint && c.team === value.teamName && c.teammate === value.agentName ? c : (this.#context = {
      sessionId: this.#text(value, "sessionId"),
      version: this.#text(value, "version"),
      cwd: this.#text(value, "cwd"),
      branch: this.#text(value, "gitBranch"),
      entrypoint: this.#text(value, "entrypoint"),
      team: this.#text(value, "teamName"),
      teammate: this.#text(value, "agentName")
    }, this.#context);
  }
  #assistant(value) {
    let message = this.#message(value);
    if (message === void 0) return;
    let common2 = this.#common(value), blocks = blocksOf(message.content, this.#complain), isApiError = this.#flag(value, "isApiErrorMessage"), model = this.#text(message, "model"), words = isApiError || model === "<synthetic>" ? textOf3(blocks) ?? "" : "", synthetic = syntheticKind(model, isApiError, words), requestId = this.#text(value, "requestId"), requestSessionId = this.#text(value, "requestSessionId"), usage = this.#object(message, "usage"), toolBlocks = blocks.filter((block) => block.type === "tool_use");
    return {
      line: common2.line,
      uuid: common2.uuid,
      parentUuid: common2.parentUuid,
      atMs: common2.atMs,
      context: common2.context,
      copiedFrom: requestSessionId !== common2.context.sessionId ? requestSessionId ?? common2.copiedFrom : common2.copiedFrom,
      kind: "assistant",
      messageId: this.#text(message, "id") ?? requestId ?? common2.uuid ?? `${this.#scope} line ${this.#line}`,
      requestId,
      requestRef: this.#text(value, "requestRef"),
      model: model ?? "unknown",
      requestedModel: this.#text(value, "requestedModel"),
      stopReason: this.#text(message, "stop_reason"),
      usage: usage === void 0 ? void 0 : this.#usage(usage),
      effort: this.#text(value, "effort"),
      agentType: this.#text(value, "attributionAgent"),
      synthetic,
      apiError: synthetic === "api_error" ? { kind: apiErrorKind(value, words), message: this.#content ? words : void 0 } : void 0,
      toolUses: toolBlocks.length === 0 ? NO_TOOLS : toolBlocks.map((block, at) => this.#toolUse(block, at)),
      serverToolUses: blocks.reduce((count, block) => count + +(block.type === "server_tool_use"), 0),
      parts: this.#content ? partsOf(blocks) : NO_PARTS
    };
  }
  #message(value) {
    let message = this.#object(value, "message");
    return message === void 0 && value.message == null && this.#complain("message: there is none"), message;
  }
  #toolUse(block, at) {
    let name = this.#text(block, "name") ?? "unknown", input = isObject2(block.input) ? block.input : {};
    return {
      id: this.#text(block, "id") ?? `${this.#scope} line ${this.#line} call ${at + 1}`,
      name,
      input: this.#content ? block.input : void 0,
      agentCall: AGENT_TOOLS.has(name) ? this.#agentCall(input) : void 0,
      skill: name === "Skill" ? this.#text(input, "skill") ?? this.#text(input, "command") : void 0
    };
  }
  #agentCall(input) {
    return {
      prompt: this.#text(input, "prompt"),
      description: this.#text(input, "description"),
      type: this.#text(input, "subagent_type"),
      name: this.#text(input, "name")
    };
  }
  /** The largest truth a line holds: attempts on several models are told one by one in `iterations`. */
  #usage(usage) {
    let top = this.#counters(usage), iterations = usage.iterations;
    if (iterations != null && !(Array.isArray(iterations) && iterations.every(isObject2)) && this.#complain("usage.iterations: expected a list of objects"), !Array.isArray(iterations) || iterations.length === 0) return top;
    let all = iterations.flatMap((iteration) => isObject2(iteration) ? [this.#counters(iteration)] : []), largest = (read) => Math.max(
      read(top),
      all.reduce((sum2, counts) => sum2 + read(counts), 0)
    );
    return {
      input: largest((u) => u.input),
      output: largest((u) => u.output),
      cacheRead: largest((u) => u.cacheRead),
      cacheWrite: largest((u) => u.cacheWrite),
      cacheWrite1h: largest((u) => u.cacheWrite1h),
      reasoning: top.reasoning === void 0 ? void 0 : largest((u) => u.reasoning ?? 0),
      webSearches: largest((u) => u.webSearches)
    };
  }
  #counters(usage) {
    let within2 = (group, key) => {
      let fields = this.#object(usage, group);
      return fields === void 0 ? void 0 : this.#count(fields, key);
    };
    return {
      input: this.#count(usage, "input_tokens") ?? 0,
      // excludes both cache counts
      output: this.#count(usage, "output_tokens") ?? 0,
      cacheRead: this.#count(usage, "cache_read_input_tokens") ?? 0,
      cacheWrite: this.#count(usage, "cache_creation_input_tokens") ?? 0,
      cacheWrite1h: within2("cache_creation", "ephemeral_1h_input_tokens") ?? 0,
      reasoning: within2("output_tokens_details", "thinking_tokens"),
      webSearches: within2("server_tool_use", "web_search_requests") ?? 0
    };
  }
  #user(value) {
    let message = this.#message(value);
    if (message === void 0) return;
    let common2 = this.#common(value), blocks = blocksOf(message.content, this.#complain), resultBlocks = blocks.filter((block) => block.type === "tool_result"), words = textOf3(blocks), firstPrompt2 = !this.#sawPrompt && words !== void 0 && resultBlocks.length === 0;
    firstPrompt2 && (this.#sawPrompt = !0);
    let origin = this.#object(value, "origin");
    return {
      line: common2.line,
      uuid: common2.uuid,
      parentUuid: common2.parentUuid,
      atMs: common2.atMs,
      context: common2.context,
      copiedFrom: common2.copiedFrom,
      kind: "user",
      text: words === void 0 || firstPrompt2 ? words : this.#cut(words),
      isMeta: this.#flag(value, "isMeta"),
      isSidechain: this.#flag(value, "isSidechain"),
      isCompactSummary: this.#flag(value, "isCompactSummary"),
      hasTurnPosition: this.#object(value, "turnPosition") !== void 0,
      turnOrigin: this.#text(value, "turnOrigin"),
      originKind: origin === void 0 ? void 0 : this.#text(origin, "kind"),
      hasMedia: blocks.some((block) => block.type === "image" || block.type === "document"),
      results: resultBlocks.length === 0 ? NO_RESULTS : resultBlocks.map((block) => this.#toolResult(block, value)),
      parts: this.#content ? partsOf(blocks) : NO_PARTS
    };
  }
  #toolResult(block, value) {
    let details = isObject2(value.toolUseResult) ? value.toolUseResult : {}, permission = this.#object(value, "permissionDecision"), decision = permission === void 0 ? void 0 : this.#text(permission, "decision"), denial = this.#text(value, "toolDenialKind"), isError = this.#flag(block, "is_error"), content = block.content, words = isError ? typeof content == "string" ? content : textOf3(blocksOf(content, this.#complain)) ?? "" : "";
    return {
      toolUseId: this.#text(block, "tool_use_id") ?? "",
      isError,
      head: copied(words.slice(0, RESULT_HEAD_CHARS)),
      message: isError && this.#content ? words : void 0,
      value: this.#content ? resultValue(content) : void 0,
      denial,
      stoppedBy: denial === "user-rejected" && decision === void 0 ? this.#stoppedBy(value) : void 0,
      permission: decision === void 0 ? void 0 : { decision, source: this.#text(permission, "source") },
      details: {
        status: textOrNot(details.status),
        agentId: textOrNot(details.agentId) ?? textOrNot(details.agent_id),
        agentName: textOrNot(details.name),
        splitPane: details.is_splitpane === !0,
        runId: textOrNot(details.runId),
        taskId: textOrNot(details.backgroundTaskId) ?? textOrNot(details.taskId),
        interrupted: details.interrupted === !0
      }
    };
  }
  #stoppedBy(value) {
    return this.#flag(value, "toolDenialBeforeRun") ? "denial" : isSince(this.#text(value, "version"), DENIAL_BEFORE_RUN_SINCE) ? "interruption" : void 0;
  }
  #system(value) {
    let subtype = this.#text(value, "subtype") ?? "", meta2 = subtype === "compact_boundary" ? this.#object(value, "compactMetadata") ?? {} : void 0;
    return { kind: "system", subtype, compaction: meta2 === void 0 ? void 0 : this.#compaction(meta2), ...this.#common(value) };
  }
  #compaction(meta2) {
    let trigger = this.#text(meta2, "trigger"), tokensBefore = this.#count(meta2, "preTokens"), tokensAfter = this.#count(meta2, "postTokens"), durationMs = this.#count(meta2, "durationMs");
    return {
      ...trigger !== void 0 && { trigger },
      ...tokensBefore !== void 0 && { tokensBefore },
      ...tokensAfter !== void 0 && { tokensAfter },
      ...durationMs !== void 0 && { durationMs }
    };
  }
  #cut(words) {
    return this.#content || words.length <= HEAD_CHARS ? words : copied(words.slice(0, HEAD_CHARS));
  }
}, copied = (slice) => slice === "" ? "" : Buffer.from(slice, "utf16le").toString("utf16le"), textOrNot = (value) => typeof value == "string" ? value : void 0;
function syntheticKind(model, isApiError, words) {
  return isApiError ? "api_error" : model !== "<synthetic>" ? "no" : words === "No response requested." ? "no_response" : "other";
}
function apiErrorKind(value, words) {
  let { apiErrorStatus, apiErrorType, error } = value;
  return [String(apiErrorStatus), /^API Error: (\d{3})\b/.exec(words)?.[1]].find((text3) => /^[1-5]\d\d$/.test(text3 ?? "")) ?? [apiErrorType, error].map(textOrNot).find((kind) => kind !== void 0 && API_ERRORS.has(kind)) ?? "unknown";
}
function isSince(version2, since) {
  let parts = version2?.split(".").map(Number) ?? [], differs = since.findIndex((part, at) => parts[at] !== part);
  return parts.length > 0 && (differs < 0 || (parts[differs] ?? 0) > since[differs]);
}

// src/harness/claude-code/records.ts
var MAX_PROBLEMS_PER_FILE = 1e3;
function parseFile(file, { content }) {
  let problems = problemList(file.name), records = [], lineOfUuid = /* @__PURE__ */ new Map(), agent = "id" in file ? file : void 0, reader = new LineReader(agent?.id ?? "main", content, problems.add), isFork = !1;
  file.unreadable !== void 0 && problems.add(0, "unreadable-file", file.unreadable);
  for (let decoded2 of decodeLines(file.lines, problems.add, { content }, file.firstLine)) {
    if (decoded2.kind === "skipped") {
      decoded2.uuid !== void 0 && lineOfUuid.set(decoded2.uuid, decoded2.line);
      continue;
    }
    decoded2.value.type === "fork-context-ref" && (isFork = !0);
    let record2 = reader.read(decoded2.line, decoded2.value);
    if (record2 === void 0) continue;
    let first = record2.uuid === void 0 ? void 0 : lineOfUuid.get(record2.uuid);
    if (first !== void 0) {
      let again = repetition(recordAt(records, first), record2);
      again.changed && problems.add(record2.line, "duplicate-uuid", `${record2.uuid} is also the uuid of line ${first}`), again.keep !== void 0 && records.push(again.keep);
      continue;
    }
    record2.uuid !== void 0 && lineOfUuid.set(record2.uuid, record2.line), records.push(record2);
  }
  let meta2 = agent?.meta === void 0 ? void 0 : readMeta(agent.meta, problems.add);
  return {
    name: file.name,
    agentId: agent?.id,
    group: agent?.group,
    meta: meta2,
    records: timed(records),
    lineOfUuid,
    isFork: isFork || meta2?.isFork === !0,
    content,
    problems: problems.list()
  };
}
function problemList(file) {
  let kept = [], more = 0, lastLine = 0;
  return {
    add: (line, reason, detail) => {
      kept.length < MAX_PROBLEMS_PER_FILE ? kept.push({ file, line, reason, detail: detail.slice(0, 200) }) : [more, lastLine] = [more + 1, line];
    },
    list: () => more === 0 ? kept : [...kept, { file, line: lastLine, reason: "wrong-shape", detail: `and ${more} more problems up to this line` }]
  };
}
function repetition(first, again) {
  let changed = first === void 0 || first.atMs !== again.atMs || idsIn(first) !== idsIn(again);
  return again.kind !== "assistant" ? { changed, keep: changed && again.kind === "user" && again.results.length > 0 ? again : void 0 } : changed ? { changed, keep: again } : { changed, keep: { ...again, parts: [], toolUses: [], serverToolUses: 0 } };
}
function idsIn(record2) {
  return record2.kind === "assistant" ? [record2.messageId, ...record2.toolUses.map(({ id }) => id)].join(" ") : record2.kind === "user" ? `user ${record2.results.map(({ toolUseId }) => toolUseId).join(" ")}` : record2.kind;
}
function timed(records) {
  if (records[0]?.atMs !== 0) return records;
  let firstMs = records.find((record2) => record2.atMs > 0)?.atMs ?? 0;
  return records.map((record2) => record2.atMs === 0 ? { ...record2, atMs: firstMs } : record2);
}
function recordAt(records, line) {
  let found = records[lowerBound(records, (record2) => record2.line >= line)];
  return found?.line === line ? found : void 0;
}

// src/harness/claude-code/index.ts
var claudeCode = { name: "claude-code", layout, parse: parseFile, wants, normalise, resume };
function wants(main, agentIds) {
  let named = main.records.flatMap(
    (record2) => record2.kind === "user" ? record2.results.flatMap(({ details }) => details.agentId ?? []) : []
  ), team = main.records.find((record2) => record2.context.team !== void 0 && record2.context.teammate !== void 0)?.context.team, lead = /^session-([0-9a-f]{8})$/.exec(team ?? "")?.[1], directory = main.records.find((record2) => record2.context.cwd !== void 0)?.context.cwd;
  return {
    // `name@team` is no file: that teammate is a session of its own.
    agents: [...new Set(named)].filter((id) => !agentIds.has(id) && !id.includes("@")),
    sessionPrefixes: lead === void 0 ? [] : [lead],
    ...directory !== void 0 && { directory }
  };
}

// src/harness/index.ts
var harnesses = [claudeCode];

// src/config/destination.ts
var KEYS = {
  endpoint: "endpoint",
  headers: "headers",
  protocol: "protocol",
  compression: "compression",
  timeoutMs: "timeout_ms",
  certificate: "certificate",
  clientCertificate: "client_certificate",
  clientKey: "client_key",
  resource: "resource"
};
function destinationConfig({ config: config2, locked, paths }, home) {
  let { endpoint, certificate, client_certificate, client_key } = config2;
  return {
    ...endpoint !== void 0 && { endpoint },
    headers: config2.headers,
    protocol: config2.protocol,
    compression: config2.compression,
    timeoutMs: config2.timeout_ms,
    ...certificate !== void 0 && { certificate: expanded(certificate, home) },
    ...client_certificate !== void 0 && { clientCertificate: expanded(client_certificate, home) },
    ...client_key !== void 0 && { clientKey: expanded(client_key, home) },
    resource: config2.resource,
    locked: new Set(Object.keys(KEYS).filter((name) => locked.has(KEYS[name]))),
    lockedBy: paths.managed
  };
}

// src/export/destination.ts
var import_node_fs3 = require("node:fs");

// src/export/variables.ts
function settingFrom(env, suffix) {
  for (let variable of variablesOf(suffix)) {
    let value = env[variable]?.trim();
    if (value) return { variable, value, forTraces: variable.includes("_TRACES_") };
  }
}
var variablesOf = (suffix) => [
  `OTEL_EXPORTER_OTLP_TRACES_${suffix}`,
  `OTEL_EXPORTER_OTLP_${suffix}`
];
function urlFromEnv(env) {
  let setting = settingFrom(env, "ENDPOINT");
  if (setting === void 0) return;
  let url = parsedUrl(setting.value, setting.variable, `${setting.variable}=`);
  return setting.forTraces ? url.href : withTracesPath(url);
}
function urlFrom(endpoint, source) {
  let url = parsedUrl(endpoint, source, "");
  return /\/v1\/traces\/?$/.test(url.pathname) ? url.href : withTracesPath(url);
}
function withTracesPath(base) {
  let url = new URL(base);
  return url.pathname = `${base.pathname.replace(/\/$/, "")}/v1/traces`, url.href;
}
function parsedUrl(text3, source, example) {
  let hint = `Write a URL with http:// or https://, such as ${example}http://localhost:4318`;
  if (!URL.canParse(text3.trim())) throw new UserError(`${source} is not a URL.`, hint);
  let url = new URL(text3.trim());
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new UserError(`${source} is not an http:// or https:// URL.`, hint);
  return url.hash = "", url;
}
var PROTOCOLS = ["http/protobuf", "http/json"];
function protocolFromEnv(env) {
  let setting = settingFrom(env, "PROTOCOL");
  return setting && protocolFrom(setting.value, setting.variable);
}
function protocolFrom(value, source) {
  let known = PROTOCOLS.find((protocol) => protocol === value.trim());
  if (known !== void 0) return known;
  throw value.trim() === "grpc" ? new UserError(
    `${source} asks for grpc, which trace-build does not speak.`,
    "Use http/protobuf or http/json. Collectors that take gRPC on port 4317 take these on port 4318."
  ) : new UserError(`${source} is "${value}".`, `Use ${PROTOCOLS.join(" or ")}.`);
}
function compressionFromEnv(env) {
  let setting = settingFrom(env, "COMPRESSION");
  if (setting === void 0 || setting.value === "gzip" || setting.value === "none") return setting?.value;
  throw new UserError(`${setting.variable} is "${setting.value}".`, "Use gzip or none.");
}
function timeoutFromEnv(env) {
  let setting = settingFrom(env, "TIMEOUT");
  if (setting === void 0) return;
  let ms = Number(setting.value);
  if (Number.isFinite(ms) && ms > 0) return ms;
  throw new UserError(`${setting.variable} is "${setting.value}".`, "Give milliseconds above 0, such as 10000.");
}
function headersFromEnv(env) {
  let headers2 = {};
  for (let variable of variablesOf("HEADERS").toReversed())
    for (let [index, pair] of commaSeparated(env[variable]).entries())
      Object.assign(headers2, header(splitPair(pair), decoded, `${variable}, pair ${index + 1},`));
  return headers2;
}
var HEADER_NAME2 = /^[!#$%&'*+.^_`|~0-9a-z-]+$/, HEADER_VALUE2 = /^[\t -~\u0080-\u00ff]*$/;
function header(pair, decode2, source) {
  let hint = 'Write name=value, such as authorization=Bearer%20\u2026 in a variable and "authorization=Bearer \u2026" in a flag.';
  if (pair === void 0) throw new UserError(`${source} is not name=value.`, hint);
  let name = decode2(pair.name).toLowerCase(), value = decode2(pair.value);
  if (!HEADER_NAME2.test(name) || !HEADER_VALUE2.test(value)) throw new UserError(`${source} is not a valid HTTP header.`, hint);
  return { [name]: value };
}
var commaSeparated = (list) => (list ?? "").split(",").map((pair) => pair.trim()).filter((pair) => pair !== "");
function splitPair(pair) {
  let at = pair.indexOf("="), name = pair.slice(0, Math.max(at, 0)).trim();
  return name === "" ? void 0 : { name, value: pair.slice(at + 1).trim() };
}
function percentDecoded(text3) {
  try {
    return decodeURIComponent(text3);
  } catch {
    return;
  }
}
var decoded = (text3) => percentDecoded(text3) ?? text3;

// src/export/destination.ts
var DEFAULT_TIMEOUT_MS = 1e4, TIMER_MAX_MS = 2 ** 31 - 1, NO_CONFIG = { locked: /* @__PURE__ */ new Set(), lockedBy: "" };
function destinationFrom(sources) {
  let config2 = sources.config ?? NO_CONFIG;
  refuseFlags(sources, config2);
  let env = unlocked(sources.env, config2), flagHeaders = headersFromFlags(sources.headers ?? []), flagProtocol = sources.protocol === void 0 ? void 0 : protocolFrom(sources.protocol, "--protocol"), configUrl = config2.endpoint === void 0 ? void 0 : urlFrom(config2.endpoint, "The config's endpoint"), url = sources.endpoint === void 0 ? urlFromEnv(env) ?? configUrl : urlFrom(sources.endpoint, "--endpoint");
  if (url !== void 0)
    return {
      url,
      protocol: flagProtocol ?? protocolFromEnv(env) ?? config2.protocol ?? "http/protobuf",
      headers: { ...headersFromConfig(config2, configUrl, url), ...headersFromEnv(env), ...flagHeaders },
      compression: compressionFromEnv(env) ?? config2.compression ?? "gzip",
      timeoutMs: Math.min(timeoutFromEnv(env) ?? config2.timeoutMs ?? DEFAULT_TIMEOUT_MS, TIMER_MAX_MS),
      tls: tlsFrom(env, config2)
    };
}
var HIDDEN = "****";
function shownUrl(url) {
  let shown = new URL(url);
  shown.username = "", shown.password = "";
  for (let name of new Set(shown.searchParams.keys())) shown.searchParams.set(name, HIDDEN);
  return shown.href;
}
function withoutSecrets(text3, destination) {
  return secretsOf(destination).reduce((shown, secret) => shown.replaceAll(secret, HIDDEN), text3);
}
var SECRET_LENGTH_MIN = 8;
function secretsOf(destination) {
  let url = new URL(destination.url), values2 = [...Object.values(destination.headers), decoded(url.password), url.password, ...url.searchParams.values()], withoutScheme = Object.values(destination.headers).map((value) => value.slice(value.indexOf(" ") + 1));
  return [...values2, ...withoutScheme].filter((value) => value.length >= SECRET_LENGTH_MIN);
}
var FLAGS = { endpoint: "--endpoint", headers: "--header", protocol: "--protocol" };
function refuseFlags(sources, { locked, lockedBy }) {
  for (let [key, flag] of Object.entries(FLAGS))
    if (locked.has(key) && sources[key] !== void 0 && sources[key].length > 0)
      throw new UserError(`${flag} can't be used: ${lockedBy} locks ${key}.`, `Leave ${flag} out, or ask whoever manages that file.`);
}
var SUFFIXES = {
  endpoint: "ENDPOINT",
  headers: "HEADERS",
  protocol: "PROTOCOL",
  compression: "COMPRESSION",
  timeoutMs: "TIMEOUT",
  certificate: "CERTIFICATE",
  clientCertificate: "CLIENT_CERTIFICATE",
  clientKey: "CLIENT_KEY"
};
function unlocked(env, { locked }) {
  let suffixes = Object.entries(SUFFIXES).flatMap(([key, suffix]) => locked.has(key) ? [suffix] : []);
  return { ...env, ...Object.fromEntries(suffixes.flatMap(variablesOf).map((variable) => [variable, void 0])) };
}
function headersFromConfig(config2, configUrl, url) {
  if (configUrl === void 0 || new URL(configUrl).origin !== new URL(url).origin) return {};
  let headers2 = Object.entries(config2.headers ?? {});
  return Object.assign({}, ...headers2.map(([name, value]) => header({ name, value }, asWritten, `The config's header ${name}`)));
}
var headersFromFlags = (flags) => Object.assign({}, ...flags.map((flag, index) => header(splitPair(flag), asWritten, `--header ${index + 1}`))), asWritten = (text3) => text3;
function tlsFrom(env, config2) {
  let ca = pemFrom(env, "CERTIFICATE", config2.certificate), cert = pemFrom(env, "CLIENT_CERTIFICATE", config2.clientCertificate), key = pemFrom(env, "CLIENT_KEY", config2.clientKey);
  return { ...ca && { ca }, ...cert && { cert }, ...key && { key } };
}
function pemFrom(env, suffix, configured) {
  let setting = settingFrom(env, suffix), path2 = setting?.value ?? configured;
  if (path2 !== void 0)
    try {
      return (0, import_node_fs3.readFileSync)(path2);
    } catch (error) {
      let reason = error instanceof Error ? error.message : String(error);
      throw new UserError(
        `${setting?.variable ?? `The config's ${suffix.toLowerCase()}`} names a file that can't be read: ${reason}`,
        "Give the path of a readable PEM file, or unset it."
      );
    }
}

// src/export/outlet.ts
var import_node_crypto = require("node:crypto");
var import_node_path5 = require("node:path");

// node_modules/@opentelemetry/otlp-transformer/build/esm/common/protobuf/protobuf-writer.js
init_esm();

// node_modules/@opentelemetry/otlp-transformer/build/esm/common/protobuf/utils.js
function estimateVarintSize(v2) {
  return v2 < 0 ? 10 : v2 < 128 ? 1 : v2 < 16384 ? 2 : v2 < 2097152 ? 3 : v2 < 268435456 ? 4 : v2 < 34359738368 ? 5 : v2 < 4398046511104 ? 6 : v2 < 562949953421312 ? 7 : v2 < 72057594037927940 ? 8 : 9;
}

// node_modules/@opentelemetry/otlp-transformer/build/esm/common/protobuf/protobuf-writer.js
var GROWING_BUFFER_DEBUG_MESSAGE = "ProtobufWriter: estimated size was too small, growing buffer.", RESERVED_LENGTH_BYTES = 1, ProtobufWriter = class {
  _buffer;
  // Avoid using TextEncoder type. While the global is there on all supported runtimes, types may differ.
  _textEncoder;
  _dataView;
  pos = 0;
  constructor(estimatedSize = 65536) {
    this._buffer = new Uint8Array(estimatedSize), this._textEncoder = new TextEncoder(), this._dataView = new DataView(this._buffer.buffer, this._buffer.byteOffset);
  }
  /**
   * Ensure buffer has capacity for at least size more bytes
   */
  _ensureCapacity(size) {
    let needed = this.pos + size;
    if (needed <= this._buffer.length)
      return;
    diag.debug(GROWING_BUFFER_DEBUG_MESSAGE);
    let newSize = this._buffer.length * 2;
    for (; newSize < needed; )
      newSize *= 2;
    let newBuffer = new Uint8Array(newSize);
    newBuffer.set(this._buffer), this._buffer = newBuffer, this._dataView = new DataView(this._buffer.buffer, this._buffer.byteOffset);
  }
  /**
   * Get the written bytes as a Uint8Array
   */
  finish() {
    return this._buffer.subarray(0, this.pos);
  }
  /**
   * Insert placeholder for length. Update later with {@link finishLengthDelimited}
   * Returns the position where to write the length.
   */
  startLengthDelimited() {
    let lengthPos = this.pos;
    return this._ensureCapacity(RESERVED_LENGTH_BYTES), this.pos += RESERVED_LENGTH_BYTES, lengthPos;
  }
  /**
   * Write length varint at placeholder position and shift content forward if needed.
   * Most messages are small (< 128 bytes), so we reserve 1 byte and only shift
   * when the length needs more bytes.
   */
  finishLengthDelimited(pos, length) {
    let v2 = length >>> 0, varintSize = estimateVarintSize(v2);
    if (varintSize > RESERVED_LENGTH_BYTES) {
      let additionalBytes = varintSize - RESERVED_LENGTH_BYTES;
      this._ensureCapacity(additionalBytes), this._buffer.copyWithin(pos + varintSize, pos + RESERVED_LENGTH_BYTES, this.pos), this.pos += additionalBytes;
    }
    let writePos = pos;
    v2 < 128 ? this._buffer[writePos] = v2 : v2 < 16384 ? (this._buffer[writePos++] = v2 & 127 | 128, this._buffer[writePos] = v2 >>> 7) : v2 < 2097152 ? (this._buffer[writePos++] = v2 & 127 | 128, this._buffer[writePos++] = v2 >>> 7 & 127 | 128, this._buffer[writePos] = v2 >>> 14) : v2 < 268435456 ? (this._buffer[writePos++] = v2 & 127 | 128, this._buffer[writePos++] = v2 >>> 7 & 127 | 128, this._buffer[writePos++] = v2 >>> 14 & 127 | 128, this._buffer[writePos] = v2 >>> 21) : (this._buffer[writePos++] = v2 & 127 | 128, this._buffer[writePos++] = v2 >>> 7 & 127 | 128, this._buffer[writePos++] = v2 >>> 14 & 127 | 128, this._buffer[writePos++] = v2 >>> 21 & 127 | 128, this._buffer[writePos] = v2 >>> 28);
  }
  /**
   * Write a sint32 value using zigzag encoding
   */
  writeSint32(value) {
    this.writeVarint((value << 1 ^ value >> 31) >>> 0);
  }
  /**
   * Write a signed 64-bit fixed integer (sfixed64) from a JS number.
   * Handles negative values via two's complement.
   */
  writeSfixed64(value) {
    let low, high;
    if (value >= 0)
      low = value >>> 0, high = value / 4294967296 >>> 0;
    else {
      let abs = Math.abs(value);
      low = abs >>> 0, high = abs / 4294967296 >>> 0, low = ~low >>> 0, high = ~high >>> 0, low = low + 1 >>> 0, low === 0 && (high = high + 1 >>> 0);
    }
    this.writeFixed64(low, high);
  }
  /**
   * Write a varint (variable-length integer)
   */
  writeVarint(value) {
    if (this._ensureCapacity(estimateVarintSize(value)), value >= 0 && value <= 4294967295) {
      let v2 = value >>> 0;
      for (; v2 > 127; )
        this._buffer[this.pos++] = v2 & 127 | 128, v2 >>>= 7;
      this._buffer[this.pos++] = v2;
    } else {
      let low, high;
      if (value >= 0)
        low = value >>> 0, high = value / 4294967296 >>> 0;
      else {
        let abs = Math.abs(value);
        low = abs >>> 0, high = abs / 4294967296 >>> 0, low = ~low >>> 0, high = ~high >>> 0, low = low + 1 >>> 0, low === 0 && (high = high + 1 >>> 0);
      }
      for (; high > 0 || low > 127; )
        this._buffer[this.pos++] = low & 127 | 128, low = (low >>> 7 | high << 25) >>> 0, high >>>= 7;
      this._buffer[this.pos++] = low & 127;
    }
  }
  /**
   * Write a 32-bit fixed integer (little-endian)
   */
  writeFixed32(value) {
    this._ensureCapacity(4);
    let v2 = value >>> 0;
    this._buffer[this.pos++] = v2 & 255, this._buffer[this.pos++] = v2 >>> 8 & 255, this._buffer[this.pos++] = v2 >>> 16 & 255, this._buffer[this.pos++] = v2 >>> 24 & 255;
  }
  /**
   * Write a 64-bit fixed integer (little-endian)
   * @param low - Low 32 bits
   * @param high - High 32 bits
   */
  writeFixed64(low, high) {
    this._ensureCapacity(8);
    let l = low >>> 0, h = high >>> 0;
    this._buffer[this.pos++] = l & 255, this._buffer[this.pos++] = l >>> 8 & 255, this._buffer[this.pos++] = l >>> 16 & 255, this._buffer[this.pos++] = l >>> 24 & 255, this._buffer[this.pos++] = h & 255, this._buffer[this.pos++] = h >>> 8 & 255, this._buffer[this.pos++] = h >>> 16 & 255, this._buffer[this.pos++] = h >>> 24 & 255;
  }
  /**
   * Write length-delimited data (varint length + bytes)
   */
  writeBytes(bytes) {
    this.writeVarint(bytes.length), this._ensureCapacity(bytes.length), this._buffer.set(bytes, this.pos), this.pos += bytes.length;
  }
  /**
   * Write a field key (field number + wire type)
   */
  writeTag(fieldNumber, wireType) {
    this.writeVarint(fieldNumber << 3 | wireType);
  }
  /**
   * Write a double (64-bit IEEE 754)
   */
  writeDouble(value) {
    this._ensureCapacity(8), this._dataView.setFloat64(this.pos, value, !0), this.pos += 8;
  }
  /**
   * Write a string as UTF-8 bytes (length-delimited)
   */
  writeString(str) {
    let isAscii = !0, len = str.length;
    for (let i = 0; i < len; i++)
      if (str.charCodeAt(i) > 127) {
        isAscii = !1;
        break;
      }
    if (isAscii) {
      this.writeVarint(len), this._ensureCapacity(len);
      for (let i = 0; i < len; i++)
        this._buffer[this.pos++] = str.charCodeAt(i);
    } else {
      let bytes = this._textEncoder.encode(str);
      this.writeBytes(bytes);
    }
  }
};

// node_modules/@opentelemetry/otlp-transformer/build/esm/common/hex-to-binary.js
function intValue(charCode) {
  return charCode >= 48 && charCode <= 57 ? charCode - 48 : charCode >= 97 && charCode <= 102 ? charCode - 87 : charCode - 55;
}
function hexToBinary(hexStr) {
  let buf = new Uint8Array(hexStr.length / 2), offset = 0;
  for (let i = 0; i < hexStr.length; i += 2) {
    let hi = intValue(hexStr.charCodeAt(i)), lo = intValue(hexStr.charCodeAt(i + 1));
    buf[offset++] = hi << 4 | lo;
  }
  return buf;
}

// node_modules/@opentelemetry/otlp-transformer/build/esm/common/protobuf/common-serializer.js
function writeHrTimeAsFixed64(serializer, hrTime3) {
  let seconds = hrTime3[0], nanos = hrTime3[1], nanosPerSecond = 1e9, secondsLower16Bits = seconds & 65535, secondsUpperBits = seconds / 65536 >>> 0, nanosFromLower16Bits = secondsLower16Bits * nanosPerSecond, nanosFromUpperBits = secondsUpperBits * nanosPerSecond, lower16ContributionLow32 = nanosFromLower16Bits >>> 0, lower16ContributionHigh32 = Math.floor(nanosFromLower16Bits / 4294967296), upperBitsContributionLow32 = (nanosFromUpperBits & 65535) * 65536 >>> 0, upperBitsContributionHigh32 = nanosFromUpperBits / 65536 >>> 0, low32WithCarry = lower16ContributionLow32 + upperBitsContributionLow32 + nanos, totalLow = low32WithCarry >>> 0, carry = Math.floor(low32WithCarry / 4294967296), totalHigh = lower16ContributionHigh32 + upperBitsContributionHigh32 + carry >>> 0;
  serializer.writeFixed64(totalLow, totalHigh);
}
function writeAttributes(writer, attributes, fieldNumber) {
  for (let key in attributes) {
    if (!Object.prototype.hasOwnProperty.call(attributes, key))
      continue;
    let value = attributes[key];
    writer.writeTag(fieldNumber, 2);
    let kvStart = writer.startLengthDelimited(), startPos = writer.pos;
    writeKeyValue(writer, key, value), writer.finishLengthDelimited(kvStart, writer.pos - startPos);
  }
}
function writeKeyValue(writer, key, value) {
  writer.writeTag(1, 2), writer.writeString(key), writer.writeTag(2, 2);
  let valueStart = writer.startLengthDelimited(), startPos = writer.pos;
  writeAnyValue(writer, value), writer.finishLengthDelimited(valueStart, writer.pos - startPos);
}
var MIN_64_BIT_INT = -(2 ** 63), MAX_64_BIT_INT = 2 ** 63;
function writeAnyValue(writer, value) {
  let t = typeof value;
  if (t === "string")
    writer.writeTag(1, 2), writer.writeString(value);
  else if (t === "boolean")
    writer.writeTag(2, 0), writer.writeVarint(value ? 1 : 0);
  else if (t === "number") {
    let numValue = value;
    Number.isInteger(numValue) && numValue >= MIN_64_BIT_INT && numValue < MAX_64_BIT_INT ? (writer.writeTag(3, 0), writer.writeVarint(numValue)) : (writer.writeTag(4, 1), writer.writeDouble(numValue));
  } else if (value instanceof Uint8Array)
    writer.writeTag(7, 2), writer.writeBytes(value);
  else if (Array.isArray(value)) {
    writer.writeTag(5, 2);
    let arrayStart = writer.startLengthDelimited(), arrayStartPos = writer.pos;
    for (let item of value) {
      writer.writeTag(1, 2);
      let itemStart = writer.startLengthDelimited(), itemStartPos = writer.pos;
      writeAnyValue(writer, item), writer.finishLengthDelimited(itemStart, writer.pos - itemStartPos);
    }
    writer.finishLengthDelimited(arrayStart, writer.pos - arrayStartPos);
  } else if (t === "object" && value != null) {
    writer.writeTag(6, 2);
    let kvlistStart = writer.startLengthDelimited(), kvlistStartPos = writer.pos, obj = value;
    for (let k2 in obj) {
      if (!Object.prototype.hasOwnProperty.call(obj, k2))
        continue;
      let v2 = obj[k2];
      writer.writeTag(1, 2);
      let kvStart = writer.startLengthDelimited(), kvStartPos = writer.pos;
      writer.writeTag(1, 2), writer.writeString(k2), writer.writeTag(2, 2);
      let valueStart = writer.startLengthDelimited(), valueStartPos = writer.pos;
      writeAnyValue(writer, v2), writer.finishLengthDelimited(valueStart, writer.pos - valueStartPos), writer.finishLengthDelimited(kvStart, writer.pos - kvStartPos);
    }
    writer.finishLengthDelimited(kvlistStart, writer.pos - kvlistStartPos);
  }
}
function writeInstrumentationScope(writer, scope, fieldNumber) {
  writer.writeTag(fieldNumber, 2);
  let start = writer.startLengthDelimited(), startPos = writer.pos;
  writer.writeTag(1, 2), writer.writeString(scope.name), scope.version && (writer.writeTag(2, 2), writer.writeString(scope.version)), scope.attributes && writeAttributes(writer, scope.attributes, 3), scope.droppedAttributesCount && (writer.writeTag(4, 0), writer.writeVarint(scope.droppedAttributesCount)), writer.finishLengthDelimited(start, writer.pos - startPos);
}
function writeResource(writer, resource, fieldNumber) {
  writer.writeTag(fieldNumber, 2);
  let resourceStart = writer.startLengthDelimited(), resourceStartPos = writer.pos;
  resource.attributes && writeAttributes(writer, resource.attributes, 1), writer.writeTag(2, 0), writer.writeVarint(0), writer.finishLengthDelimited(resourceStart, writer.pos - resourceStartPos);
}

// node_modules/@opentelemetry/otlp-transformer/build/esm/common/protobuf/protobuf-size-estimator.js
function utf8ByteLength(str) {
  let len = str.length, byteLen = 0;
  for (let i = 0; i < len; i++) {
    let code2 = str.charCodeAt(i);
    code2 < 128 ? byteLen += 1 : code2 < 2048 ? byteLen += 2 : code2 < 55296 || code2 >= 57344 ? byteLen += 3 : (i++, byteLen += 4);
  }
  return byteLen;
}
var ProtobufSizeEstimator = class {
  pos = 0;
  startLengthDelimited() {
    return this.pos;
  }
  finishLengthDelimited(_, length) {
    this.pos += estimateVarintSize(length);
  }
  writeVarint(value) {
    this.pos += estimateVarintSize(value);
  }
  writeSint32(value) {
    this.pos += estimateVarintSize((value << 1 ^ value >> 31) >>> 0);
  }
  writeSfixed64(_value) {
    this.pos += 8;
  }
  writeFixed32(_value) {
    this.pos += 4;
  }
  writeFixed64(_low, _high) {
    this.pos += 8;
  }
  writeBytes(bytes) {
    this.pos += estimateVarintSize(bytes.length), this.pos += bytes.length;
  }
  writeTag(fieldNumber, wireType) {
    this.writeVarint(fieldNumber << 3 | wireType);
  }
  writeDouble(_value) {
    this.pos += 8;
  }
  writeString(str) {
    let byteLen = utf8ByteLength(str);
    this.pos += estimateVarintSize(byteLen), this.pos += byteLen;
  }
};

// node_modules/@opentelemetry/otlp-transformer/build/esm/common/protobuf/protobuf-reader.js
var ProtobufReader = class {
  pos = 0;
  _buf;
  _textDecoder;
  constructor(buf) {
    this._buf = buf, this._textDecoder = new TextDecoder();
  }
  isAtEnd() {
    return this.pos >= this._buf.length;
  }
  /** Read a varint and decode it as a tag, returning field number and wire type. */
  readTag() {
    let raw = this.readVarint();
    return { fieldNumber: raw >>> 3, wireType: raw & 7 };
  }
  /**
   * Read a base-128 varint.
   * Returns a JS `number`; precision above 2^53 is silently lost.
   * Throws if the buffer is truncated mid-varint.
   */
  readVarint() {
    let result = 0, shift2 = 0, terminated = !1;
    for (; this.pos < this._buf.length; ) {
      let b2 = this._buf[this.pos++];
      if (result += (b2 & 127) * Math.pow(2, shift2), shift2 += 7, (b2 & 128) === 0) {
        terminated = !0;
        break;
      }
    }
    if (!terminated)
      throw new Error("Truncated buffer: unexpected end of data while reading varint");
    return result;
  }
  /** Read a length-delimited byte sequence (bytes field or embedded message). */
  readBytes() {
    let len = this.readVarint();
    if (this.pos + len > this._buf.length)
      throw new Error(`Truncated buffer: expected ${len} bytes at position ${this.pos}, but only ${this._buf.length - this.pos} available`);
    let slice = this._buf.subarray(this.pos, this.pos + len);
    return this.pos += len, slice;
  }
  /** Read a length-delimited UTF-8 string. */
  readString() {
    return this._textDecoder.decode(this.readBytes());
  }
  /**
   * Skip an unknown field.
   * Handles wire types 0 (varint), 1 (64-bit), 2 (length-delimited),
   * and 5 (32-bit).
   *
   * Wire types 3 and 4 (start-group / end-group) are deprecated in proto3
   * and are not used by any OpenTelemetry proto definition. Encountering
   * them is treated as an error.
   */
  skip(wireType) {
    switch (wireType) {
      case 0:
        this.readVarint();
        break;
      case 1:
        this.pos += 8;
        break;
      case 2:
        this.readBytes();
        break;
      case 5:
        this.pos += 4;
        break;
      default:
        throw new Error(`Unknown wire type ${wireType}, cannot safely skip`);
    }
  }
};

// node_modules/@opentelemetry/semantic-conventions/dist/stable_attributes.mjs
var ATTR_ERROR_TYPE = "error.type";
var ATTR_SERVICE_NAME = "service.name";
var ATTR_SERVICE_VERSION = "service.version";

// node_modules/@opentelemetry/core/build/esm/platform/node/index.js
var otperformance = performance;

// node_modules/@opentelemetry/core/build/esm/common/time.js
var NANOSECOND_DIGITS = 9, NANOSECOND_DIGITS_IN_MILLIS = 6, MILLISECONDS_TO_NANOSECONDS = Math.pow(10, NANOSECOND_DIGITS_IN_MILLIS), SECOND_TO_NANOSECONDS = Math.pow(10, NANOSECOND_DIGITS);
function millisToHrTime(epochMillis) {
  let epochSeconds = epochMillis / 1e3, seconds = Math.trunc(epochSeconds), nanos = Math.round(epochMillis % 1e3 * MILLISECONDS_TO_NANOSECONDS);
  return [seconds, nanos];
}
function hrTime(performanceNow) {
  let timeOrigin = millisToHrTime(otperformance.timeOrigin), now = millisToHrTime(typeof performanceNow == "number" ? performanceNow : otperformance.now());
  return addHrTimes(timeOrigin, now);
}
function hrTimeDuration(startTime, endTime) {
  let seconds = endTime[0] - startTime[0], nanos = endTime[1] - startTime[1];
  return nanos < 0 && (seconds -= 1, nanos += SECOND_TO_NANOSECONDS), [seconds, nanos];
}
function hrTimeToNanoseconds(time3) {
  return time3[0] * SECOND_TO_NANOSECONDS + time3[1];
}
function hrTimeToMilliseconds(time3) {
  return time3[0] * 1e3 + time3[1] / 1e6;
}
function addHrTimes(time1, time22) {
  let out = [time1[0] + time22[0], time1[1] + time22[1]];
  return out[1] >= SECOND_TO_NANOSECONDS && (out[1] -= SECOND_TO_NANOSECONDS, out[0] += 1), out;
}

// node_modules/@opentelemetry/core/build/esm/ExportResult.js
var ExportResultCode;
(function(ExportResultCode2) {
  ExportResultCode2[ExportResultCode2.SUCCESS = 0] = "SUCCESS", ExportResultCode2[ExportResultCode2.FAILED = 1] = "FAILED";
})(ExportResultCode || (ExportResultCode = {}));

// node_modules/@opentelemetry/resources/build/esm/ResourceImpl.js
init_esm();

// node_modules/@opentelemetry/resources/build/esm/utils.js
var isPromiseLike = (val) => val !== null && typeof val == "object" && typeof val.then == "function";

// node_modules/@opentelemetry/resources/build/esm/ResourceImpl.js
var ResourceImpl = class _ResourceImpl {
  _rawAttributes;
  _asyncAttributesPending = !1;
  _schemaUrl;
  _memoizedAttributes;
  static FromAttributeList(attributes, options) {
    let res = new _ResourceImpl({}, options);
    return res._rawAttributes = guardedRawAttributes(attributes), res._asyncAttributesPending = attributes.filter(([_, val]) => isPromiseLike(val)).length > 0, res;
  }
  constructor(resource, options) {
    let attributes = resource.attributes ?? {};
    this._rawAttributes = Object.entries(attributes).map(([k2, v2]) => (isPromiseLike(v2) && (this._asyncAttributesPending = !0), [k2, v2])), this._rawAttributes = guardedRawAttributes(this._rawAttributes), this._schemaUrl = validateSchemaUrl(options?.schemaUrl);
  }
  get asyncAttributesPending() {
    return this._asyncAttributesPending;
  }
  async waitForAsyncAttributes() {
    if (this.asyncAttributesPending) {
      for (let i = 0; i < this._rawAttributes.length; i++) {
        let [k2, v2] = this._rawAttributes[i];
        this._rawAttributes[i] = [k2, isPromiseLike(v2) ? await v2 : v2];
      }
      this._asyncAttributesPending = !1;
    }
  }
  get attributes() {
    if (this.asyncAttributesPending && diag.error("Accessing resource attributes before async attributes settled"), this._memoizedAttributes)
      return this._memoizedAttributes;
    let attrs = {};
    for (let [k2, v2] of this._rawAttributes) {
      if (isPromiseLike(v2)) {
        diag.debug(`Unsettled resource attribute ${k2} skipped`);
        continue;
      }
      v2 != null && (attrs[k2] ??= v2);
    }
    return this._asyncAttributesPending || (this._memoizedAttributes = attrs), attrs;
  }
  getRawAttributes() {
    return this._rawAttributes;
  }
  get schemaUrl() {
    return this._schemaUrl;
  }
  merge(resource) {
    if (resource == null)
      return this;
    let mergedSchemaUrl = mergeSchemaUrl(this, resource), mergedOptions = mergedSchemaUrl ? { schemaUrl: mergedSchemaUrl } : void 0;
    return _ResourceImpl.FromAttributeList([...resource.getRawAttributes(), ...this.getRawAttributes()], mergedOptions);
  }
};
function resourceFromAttributes(attributes, options) {
  return ResourceImpl.FromAttributeList(Object.entries(attributes), options);
}
function guardedRawAttributes(attributes) {
  return attributes.map(([k2, v2]) => isPromiseLike(v2) ? [
    k2,
    v2.catch((err) => {
      diag.debug("promise rejection for resource attribute: %s - %s", k2, err);
    })
  ] : [k2, v2]);
}
function validateSchemaUrl(schemaUrl) {
  if (typeof schemaUrl == "string" || schemaUrl === void 0)
    return schemaUrl;
  diag.warn("Schema URL must be string or undefined, got %s. Schema URL will be ignored.", schemaUrl);
}
function mergeSchemaUrl(old, updating) {
  let oldSchemaUrl = old?.schemaUrl, updatingSchemaUrl = updating?.schemaUrl, isOldEmpty = oldSchemaUrl === void 0 || oldSchemaUrl === "", isUpdatingEmpty = updatingSchemaUrl === void 0 || updatingSchemaUrl === "";
  if (isOldEmpty)
    return updatingSchemaUrl;
  if (isUpdatingEmpty || oldSchemaUrl === updatingSchemaUrl)
    return oldSchemaUrl;
  diag.warn('Schema URL merge conflict: old resource has "%s", updating resource has "%s". Resulting resource will have undefined Schema URL.', oldSchemaUrl, updatingSchemaUrl);
}

// node_modules/@opentelemetry/otlp-transformer/build/esm/trace/protobuf/trace-serializer.js
var SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK = 256, SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK = 512;
function buildSpanFlags(traceFlags, isRemote) {
  let flags = traceFlags & 255 | SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK;
  return isRemote && (flags |= SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK), flags;
}
function serializeStatus(writer, status) {
  let statusStart = writer.startLengthDelimited(), statusStartPos = writer.pos;
  status.message && (writer.writeTag(2, 2), writer.writeString(status.message)), writer.writeTag(3, 0), writer.writeVarint(status.code), writer.finishLengthDelimited(statusStart, writer.pos - statusStartPos);
}
function serializeEvent(writer, event) {
  let eventStart = writer.startLengthDelimited(), eventStartPos = writer.pos;
  writer.writeTag(1, 1), writeHrTimeAsFixed64(writer, event.time), writer.writeTag(2, 2), writer.writeString(event.name), event.attributes && writeAttributes(writer, event.attributes, 3), writer.writeTag(4, 0), writer.writeVarint(event.droppedAttributesCount || 0), writer.finishLengthDelimited(eventStart, writer.pos - eventStartPos);
}
function serializeLink(writer, link) {
  let linkStart = writer.startLengthDelimited(), linkStartPos = writer.pos, context = link.context;
  writer.writeTag(1, 2), writer.writeBytes(hexToBinary(context.traceId)), writer.writeTag(2, 2), writer.writeBytes(hexToBinary(context.spanId));
  let linkTraceState = context.traceState?.serialize();
  linkTraceState && (writer.writeTag(3, 2), writer.writeString(linkTraceState)), link.attributes && writeAttributes(writer, link.attributes, 4), writer.writeTag(5, 0), writer.writeVarint(link.droppedAttributesCount || 0);
  let linkFlags = buildSpanFlags(context.traceFlags, context.isRemote);
  linkFlags && (writer.writeTag(6, 5), writer.writeFixed32(linkFlags)), writer.finishLengthDelimited(linkStart, writer.pos - linkStartPos);
}
function serializeSpan(writer, span) {
  let spanStart = writer.startLengthDelimited(), spanStartPos = writer.pos, ctx = span.spanContext();
  writer.writeTag(1, 2), writer.writeBytes(hexToBinary(ctx.traceId)), writer.writeTag(2, 2), writer.writeBytes(hexToBinary(ctx.spanId));
  let traceState = ctx.traceState?.serialize();
  traceState && (writer.writeTag(3, 2), writer.writeString(traceState)), span.parentSpanContext?.spanId && (writer.writeTag(4, 2), writer.writeBytes(hexToBinary(span.parentSpanContext.spanId))), writer.writeTag(5, 2), writer.writeString(span.name);
  let kind = span.kind == null ? 0 : span.kind + 1;
  kind !== 0 && (writer.writeTag(6, 0), writer.writeVarint(kind)), writer.writeTag(7, 1), writeHrTimeAsFixed64(writer, span.startTime), writer.writeTag(8, 1), writeHrTimeAsFixed64(writer, span.endTime), span.attributes && writeAttributes(writer, span.attributes, 9), writer.writeTag(10, 0), writer.writeVarint(span.droppedAttributesCount);
  for (let event of span.events)
    writer.writeTag(11, 2), serializeEvent(writer, event);
  writer.writeTag(12, 0), writer.writeVarint(span.droppedEventsCount);
  for (let link of span.links)
    writer.writeTag(13, 2), serializeLink(writer, link);
  writer.writeTag(14, 0), writer.writeVarint(span.droppedLinksCount), writer.writeTag(15, 2), serializeStatus(writer, span.status);
  let flags = buildSpanFlags(ctx.traceFlags, span.parentSpanContext?.isRemote);
  flags && (writer.writeTag(16, 5), writer.writeFixed32(flags)), writer.finishLengthDelimited(spanStart, writer.pos - spanStartPos);
}
function serializeScopeSpans(writer, scope, spans) {
  let scopeSpansStart = writer.startLengthDelimited(), scopeSpansStartPos = writer.pos;
  writeInstrumentationScope(writer, scope, 1);
  for (let span of spans)
    writer.writeTag(2, 2), serializeSpan(writer, span);
  scope.schemaUrl && (writer.writeTag(3, 2), writer.writeString(scope.schemaUrl)), writer.finishLengthDelimited(scopeSpansStart, writer.pos - scopeSpansStartPos);
}
function serializeResourceSpans(writer, resource, scopeMap) {
  let resourceSpansStart = writer.startLengthDelimited(), resourceSpansStartPos = writer.pos;
  writeResource(writer, resource, 1);
  for (let scopeSpans of scopeMap.values()) {
    writer.writeTag(2, 2);
    let scope = scopeSpans[0].instrumentationScope;
    serializeScopeSpans(writer, scope, scopeSpans);
  }
  resource.schemaUrl && (writer.writeTag(3, 2), writer.writeString(resource.schemaUrl)), writer.finishLengthDelimited(resourceSpansStart, writer.pos - resourceSpansStartPos);
}
function createResourceMap(spans) {
  let resourceMap = /* @__PURE__ */ new Map();
  for (let span of spans) {
    let resource = span.resource, scope = span.instrumentationScope, scopeMap = resourceMap.get(resource);
    scopeMap || (scopeMap = /* @__PURE__ */ new Map(), resourceMap.set(resource, scopeMap));
    let records = scopeMap.get(scope);
    records || (records = [], scopeMap.set(scope, records)), records.push(span);
  }
  return resourceMap;
}
function serializeTraceExportRequest(spans) {
  let resourceMap = createResourceMap(spans), estimator = new ProtobufSizeEstimator();
  for (let [resource, scopeMap] of resourceMap)
    estimator.writeTag(1, 2), serializeResourceSpans(estimator, resource, scopeMap);
  let writer = new ProtobufWriter(estimator.pos);
  for (let [resource, scopeMap] of resourceMap)
    writer.writeTag(1, 2), serializeResourceSpans(writer, resource, scopeMap);
  return writer.finish();
}

// node_modules/@opentelemetry/otlp-transformer/build/esm/trace/protobuf/response-deserializer.js
function deserializePartialSuccess(data) {
  let reader = new ProtobufReader(data), result = {};
  for (; !reader.isAtEnd(); ) {
    let { fieldNumber, wireType } = reader.readTag();
    switch (fieldNumber) {
      case 1:
        wireType === 0 ? result.rejectedSpans = reader.readVarint() : reader.skip(wireType);
        break;
      case 2:
        wireType === 2 ? result.errorMessage = reader.readString() : reader.skip(wireType);
        break;
      default:
        reader.skip(wireType);
        break;
    }
  }
  return result;
}
function deserializeExportTraceServiceResponse(data) {
  let reader = new ProtobufReader(data), result = {};
  for (; !reader.isAtEnd(); ) {
    let { fieldNumber, wireType } = reader.readTag();
    fieldNumber === 1 && wireType === 2 ? result.partialSuccess = deserializePartialSuccess(reader.readBytes()) : reader.skip(wireType);
  }
  return result;
}

// node_modules/@opentelemetry/otlp-transformer/build/esm/trace/protobuf/trace.js
var ProtobufTraceSerializer = {
  serializeRequest: (arg) => serializeTraceExportRequest(arg),
  deserializeResponse: (arg) => deserializeExportTraceServiceResponse(arg)
};

// node_modules/@opentelemetry/otlp-transformer/build/esm/common/internal.js
function createResource(resource, encoder) {
  let result = {
    attributes: toAttributes(resource.attributes, encoder),
    droppedAttributesCount: 0
  }, schemaUrl = resource.schemaUrl;
  return schemaUrl && schemaUrl !== "" && (result.schemaUrl = schemaUrl), result;
}
function createInstrumentationScope(scope, encoder) {
  let result = {
    name: scope.name,
    version: scope.version
  };
  return scope.attributes && Object.keys(scope.attributes).length > 0 && (result.attributes = toAttributes(scope.attributes, encoder), result.droppedAttributesCount = scope.droppedAttributesCount ?? 0), result;
}
function toAttributes(attributes, encoder) {
  return Object.keys(attributes).map((key) => toKeyValue(key, attributes[key], encoder));
}
function toKeyValue(key, value, encoder) {
  return {
    key,
    value: toAnyValue(value, encoder)
  };
}
function toAnyValue(value, encoder) {
  let t = typeof value;
  if (t === "string")
    return { stringValue: value };
  if (t === "number")
    return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
  if (t === "boolean")
    return { boolValue: value };
  if (value instanceof Uint8Array)
    return { bytesValue: encoder.encodeUint8Array(value) };
  if (Array.isArray(value)) {
    let values2 = new Array(value.length);
    for (let i = 0; i < value.length; i++)
      values2[i] = toAnyValue(value[i], encoder);
    return { arrayValue: { values: values2 } };
  }
  if (t === "object" && value != null) {
    let keys2 = Object.keys(value), values2 = new Array(keys2.length);
    for (let i = 0; i < keys2.length; i++)
      values2[i] = {
        key: keys2[i],
        value: toAnyValue(value[keys2[i]], encoder)
      };
    return { kvlistValue: { values: values2 } };
  }
  return {};
}

// node_modules/@opentelemetry/otlp-transformer/build/esm/common/utils.js
function hrTimeToNanos(hrTime3) {
  let NANOSECONDS = BigInt(1e9);
  return BigInt(Math.trunc(hrTime3[0])) * NANOSECONDS + BigInt(Math.trunc(hrTime3[1]));
}
function encodeAsString(hrTime3) {
  return hrTimeToNanos(hrTime3).toString();
}
var encodeTimestamp = typeof BigInt < "u" ? encodeAsString : hrTimeToNanoseconds;
function identity(value) {
  return value;
}
var JSON_ENCODER = {
  encodeHrTime: encodeTimestamp,
  encodeSpanContext: identity,
  encodeOptionalSpanContext: identity,
  encodeUint8Array: (bytes) => {
    if (typeof Buffer < "u")
      return Buffer.from(bytes).toString("base64");
    let chars = new Array(bytes.length);
    for (let i = 0; i < bytes.length; i++)
      chars[i] = String.fromCharCode(bytes[i]);
    return btoa(chars.join(""));
  }
};

// node_modules/@opentelemetry/otlp-transformer/build/esm/trace/internal.js
var SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK2 = 256, SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK2 = 512;
function buildSpanFlagsFrom(traceFlags, isRemote) {
  let flags = traceFlags & 255 | SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK2;
  return isRemote && (flags |= SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK2), flags;
}
function sdkSpanToOtlpSpan(span, encoder) {
  let ctx = span.spanContext(), status = span.status, parentSpanId = span.parentSpanContext?.spanId ? encoder.encodeSpanContext(span.parentSpanContext?.spanId) : void 0;
  return {
    traceId: encoder.encodeSpanContext(ctx.traceId),
    spanId: encoder.encodeSpanContext(ctx.spanId),
    parentSpanId,
    traceState: ctx.traceState?.serialize(),
    name: span.name,
    // Span kind is offset by 1 because the API does not define a value for unset
    kind: span.kind == null ? 0 : span.kind + 1,
    startTimeUnixNano: encoder.encodeHrTime(span.startTime),
    endTimeUnixNano: encoder.encodeHrTime(span.endTime),
    attributes: toAttributes(span.attributes, encoder),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events.map((event) => toOtlpSpanEvent(event, encoder)),
    droppedEventsCount: span.droppedEventsCount,
    status: {
      // API and proto enums share the same values
      code: status.code,
      message: status.message
    },
    links: span.links.map((link) => toOtlpLink(link, encoder)),
    droppedLinksCount: span.droppedLinksCount,
    flags: buildSpanFlagsFrom(ctx.traceFlags, span.parentSpanContext?.isRemote)
  };
}
function toOtlpLink(link, encoder) {
  return {
    attributes: link.attributes ? toAttributes(link.attributes, encoder) : [],
    spanId: encoder.encodeSpanContext(link.context.spanId),
    traceId: encoder.encodeSpanContext(link.context.traceId),
    traceState: link.context.traceState?.serialize(),
    droppedAttributesCount: link.droppedAttributesCount || 0,
    flags: buildSpanFlagsFrom(link.context.traceFlags, link.context.isRemote)
  };
}
function toOtlpSpanEvent(timedEvent, encoder) {
  return {
    attributes: timedEvent.attributes ? toAttributes(timedEvent.attributes, encoder) : [],
    name: timedEvent.name,
    timeUnixNano: encoder.encodeHrTime(timedEvent.time),
    droppedAttributesCount: timedEvent.droppedAttributesCount || 0
  };
}
function createExportTraceServiceRequest(spans, encoder) {
  return {
    resourceSpans: spanRecordsToResourceSpans(spans, encoder)
  };
}
function createResourceMap2(readableSpans) {
  let resourceMap = /* @__PURE__ */ new Map();
  for (let record2 of readableSpans) {
    let ilsMap = resourceMap.get(record2.resource);
    ilsMap || (ilsMap = /* @__PURE__ */ new Map(), resourceMap.set(record2.resource, ilsMap));
    let instrumentationScopeKey = `${record2.instrumentationScope.name}@${record2.instrumentationScope.version || ""}:${record2.instrumentationScope.schemaUrl || ""}`, records = ilsMap.get(instrumentationScopeKey);
    records || (records = [], ilsMap.set(instrumentationScopeKey, records)), records.push(record2);
  }
  return resourceMap;
}
function spanRecordsToResourceSpans(readableSpans, encoder) {
  let resourceMap = createResourceMap2(readableSpans), out = [], entryIterator = resourceMap.entries(), entry = entryIterator.next();
  for (; !entry.done; ) {
    let [resource, ilmMap] = entry.value, scopeResourceSpans = [], ilmIterator = ilmMap.values(), ilmEntry = ilmIterator.next();
    for (; !ilmEntry.done; ) {
      let scopeSpans = ilmEntry.value;
      if (scopeSpans.length > 0) {
        let spans = scopeSpans.map((readableSpan2) => sdkSpanToOtlpSpan(readableSpan2, encoder));
        scopeResourceSpans.push({
          scope: createInstrumentationScope(scopeSpans[0].instrumentationScope, encoder),
          spans,
          schemaUrl: scopeSpans[0].instrumentationScope.schemaUrl
        });
      }
      ilmEntry = ilmIterator.next();
    }
    let processedResource = createResource(resource, encoder), transformedSpans = {
      resource: processedResource,
      scopeSpans: scopeResourceSpans,
      schemaUrl: processedResource.schemaUrl
    };
    out.push(transformedSpans), entry = entryIterator.next();
  }
  return out;
}

// node_modules/@opentelemetry/otlp-transformer/build/esm/trace/json/trace.js
init_esm();
var JsonTraceSerializer = {
  serializeRequest: (arg) => {
    let request = createExportTraceServiceRequest(arg, JSON_ENCODER);
    return new TextEncoder().encode(JSON.stringify(request));
  },
  deserializeResponse: (arg) => {
    if (arg.length === 0)
      return {};
    let decoder = new TextDecoder();
    try {
      return JSON.parse(decoder.decode(arg));
    } catch (err) {
      return diag.warn(`Failed to parse trace export response: ${err.message}. Returning empty response`), {};
    }
  }
};

// src/export/readable.ts
init_esm();
function readableSpan(span, scope) {
  let context = spanContext(span.traceId, span.spanId), startTime = hrTime2(span.startMs), endTime = hrTime2(span.endMs);
  return {
    name: span.name,
    kind: span.kind === "client" ? SpanKind.CLIENT : SpanKind.INTERNAL,
    spanContext: () => context,
    // OTel reads an undefined parent as none, though its type knows only an absent one; a spread here cost half of all this.
    parentSpanContext: span.parentSpanId === void 0 ? void 0 : spanContext(span.traceId, span.parentSpanId),
    startTime,
    endTime,
    duration: hrTime2(span.endMs - span.startMs),
    status: span.status.kind === "error" ? { code: SpanStatusCode.ERROR, message: span.status.message } : { code: SpanStatusCode.UNSET },
    attributes: otelAttributes(span.attributes),
    links: span.links.map((link) => ({ context: spanContext(link.traceId, link.spanId), attributes: otelAttributes(link.attributes) })),
    events: span.events.map((event) => ({ name: event.name, time: hrTime2(event.timeMs), attributes: otelAttributes(event.attributes) })),
    ended: !0,
    resource: otelResource(span.resource),
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0
  };
}
function hrTime2(ms) {
  let msOfSecond = ms % 1e3;
  return [(ms - msOfSecond) / 1e3, msOfSecond * 1e6];
}
var spanContext = (traceId, spanId) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED }), otelAttributes = (attributes) => attributes, otelResources = /* @__PURE__ */ new WeakMap();
function otelResource(resource) {
  let known = otelResources.get(resource);
  if (known !== void 0) return known;
  let made = resourceFromAttributes(otelAttributes(resource.attributes));
  return otelResources.set(resource, made), made;
}

// src/export/batches.ts
var BATCH_LIMITS = { maxSpans: 512, maxBytes: 4 * 1024 * 1024 };
function serializerFor(protocol, scope) {
  let otel = protocol === "http/json" ? JsonTraceSerializer : ProtobufTraceSerializer;
  return (spans) => {
    let bytes = otel.serializeRequest(spans.map((span) => readableSpan(span, scope)));
    if (bytes === void 0) throw new Error(`the ${protocol} serializer made nothing of ${spans.length} spans`);
    return bytes;
  };
}
function* batches(spans, serialize, limits = BATCH_LIMITS) {
  let take = limits.maxSpans;
  for (let start = 0; start < spans.length; ) {
    let piece = spans.slice(start, start + Math.min(take, limits.maxSpans)), bytes = serialize(piece);
    if (bytes.length > limits.maxBytes && piece.length > 1) {
      take = Math.ceil(piece.length / 2);
      continue;
    }
    yield { spans: piece, bytes }, start += piece.length, bytes.length <= limits.maxBytes / 2 && (take = piece.length * 2);
  }
}

// src/export/post.ts
var import_node_diagnostics_channel = require("node:diagnostics_channel");

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/types.js
var OTLPExporterError = class extends Error {
  code;
  name = "OTLPExporterError";
  data;
  constructor(message, code2, data) {
    super(message), this.data = data, this.code = code2;
  }
};

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/bounded-queue-export-promise-handler.js
var BoundedQueueExportPromiseHandler = class {
  _concurrencyLimit;
  _sendingPromises = [];
  /**
   * @param concurrencyLimit maximum promises allowed in a queue at the same time.
   */
  constructor(concurrencyLimit) {
    this._concurrencyLimit = concurrencyLimit;
  }
  pushPromise(promise) {
    if (this.hasReachedLimit())
      throw new Error("Concurrency Limit reached");
    this._sendingPromises.push(promise);
    let popPromise = () => {
      let index = this._sendingPromises.indexOf(promise);
      this._sendingPromises.splice(index, 1);
    };
    promise.then(popPromise, popPromise);
  }
  hasReachedLimit() {
    return this._sendingPromises.length >= this._concurrencyLimit;
  }
  async awaitAll() {
    await Promise.all(this._sendingPromises);
  }
};
function createBoundedQueueExportPromiseHandler(options) {
  return new BoundedQueueExportPromiseHandler(options.concurrencyLimit);
}

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/logging-response-handler.js
init_esm();
function isPartialSuccessResponse(response2) {
  return Object.prototype.hasOwnProperty.call(response2, "partialSuccess");
}
function createLoggingPartialSuccessResponseHandler() {
  return {
    handleResponse(response2) {
      response2 == null || !isPartialSuccessResponse(response2) || response2.partialSuccess == null || Object.keys(response2.partialSuccess).length === 0 || diag.warn("Received Partial Success response:", JSON.stringify(response2.partialSuccess));
    }
  };
}

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/otlp-export-delegate.js
init_esm();
var OTLPExportDelegate = class {
  _metrics;
  _diagLogger;
  _transport;
  _serializer;
  _responseHandler;
  _promiseQueue;
  _timeout;
  constructor(transport, serializer, responseHandler, promiseQueue, metrics, timeout) {
    this._transport = transport, this._serializer = serializer, this._responseHandler = responseHandler, this._promiseQueue = promiseQueue, this._timeout = timeout, this._diagLogger = diag.createComponentLogger({
      namespace: "OTLPExportDelegate"
    }), this._metrics = metrics;
  }
  export(internalRepresentation, resultCallback) {
    if (this._diagLogger.debug("items to be sent", internalRepresentation), this._promiseQueue.hasReachedLimit()) {
      resultCallback({
        code: ExportResultCode.FAILED,
        error: new Error("Concurrent export limit reached")
      });
      return;
    }
    let serializedRequest = this._serializer.serializeRequest(internalRepresentation);
    if (serializedRequest == null) {
      resultCallback({
        code: ExportResultCode.FAILED,
        error: new Error("Nothing to send")
      });
      return;
    }
    let finishExport = this._metrics.startExport(internalRepresentation);
    this._promiseQueue.pushPromise(this._transport.send(serializedRequest, this._timeout).then((response2) => {
      if (response2.status === "success") {
        if (finishExport(void 0), response2.data != null)
          try {
            this._responseHandler.handleResponse(this._serializer.deserializeResponse(response2.data));
          } catch (e) {
            this._diagLogger.warn("Export succeeded but could not deserialize response - is the response specification compliant?", e, response2.data);
          }
        resultCallback({
          code: ExportResultCode.SUCCESS
        });
        return;
      } else if (response2.status === "failure" && response2.error) {
        finishExport(response2.error), resultCallback({
          code: ExportResultCode.FAILED,
          error: response2.error
        });
        return;
      } else response2.status === "retryable" ? (finishExport("export_max_retries"), resultCallback({
        code: ExportResultCode.FAILED,
        error: response2.error ?? new OTLPExporterError("Export failed with retryable status")
      })) : (finishExport("export_failed"), resultCallback({
        code: ExportResultCode.FAILED,
        error: new OTLPExporterError("Export failed with unknown error")
      }));
    }, (reason) => {
      finishExport(reason), resultCallback({
        code: ExportResultCode.FAILED,
        error: reason
      });
    }));
  }
  forceFlush() {
    return this._promiseQueue.awaitAll();
  }
  setMetrics(metrics) {
    this._metrics = metrics;
  }
  async shutdown() {
    this._diagLogger.debug("shutdown started"), await this.forceFlush(), this._transport.shutdown();
  }
};
function createOtlpExportDelegate(components, settings) {
  return new OTLPExportDelegate(components.transport, components.serializer, createLoggingPartialSuccessResponseHandler(), components.promiseHandler, components.metrics, settings.timeout);
}

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/ExporterMetrics.js
init_esm();

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/semconv.js
var ATTR_HTTP_RESPONSE_STATUS_CODE2 = "http.response.status_code", ATTR_OTEL_COMPONENT_NAME = "otel.component.name", ATTR_OTEL_COMPONENT_TYPE = "otel.component.type", ATTR_SERVER_ADDRESS2 = "server.address", ATTR_SERVER_PORT2 = "server.port", ATTR_ERROR_TYPE2 = "error.type";

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/version.js
var VERSION2 = "0.223.1";

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/ExporterMetrics.js
var componentCounter = /* @__PURE__ */ new Map(), ExporterMetrics = class {
  inflight;
  exported;
  duration;
  standardAttrs;
  responseAttributesFromError;
  helper;
  constructor(options) {
    let { componentType, metricsHelper, meterProvider, url, responseAttributesFromError } = options;
    this.responseAttributesFromError = responseAttributesFromError;
    let meter = meterProvider ? meterProvider.getMeter("@opentelemetry/otlp-exporter", VERSION2) : createNoopMeter(), counter = componentCounter.get(componentType) ?? 0;
    if (componentCounter.set(componentType, counter + 1), this.standardAttrs = {
      [ATTR_OTEL_COMPONENT_TYPE]: componentType,
      [ATTR_OTEL_COMPONENT_NAME]: `${componentType}/${counter}`
    }, url) {
      let urlToParse = url;
      url.includes("://") || (urlToParse = `http://${url}`);
      try {
        let parsedUrl2 = new URL(urlToParse);
        this.standardAttrs[ATTR_SERVER_ADDRESS2] = parsedUrl2.hostname;
        let port;
        parsedUrl2.port ? port = Number(parsedUrl2.port) : parsedUrl2.protocol === "http:" ? port = 80 : parsedUrl2.protocol === "https:" && (port = 443), typeof port == "number" && (this.standardAttrs[ATTR_SERVER_PORT2] = port);
      } catch {
      }
    }
    this.helper = metricsHelper, this.inflight = meter.createUpDownCounter(`otel.sdk.exporter.${this.helper.name}.inflight`, {
      unit: `{${this.helper.name}}`,
      description: `The number of ${this.helper.name}s which were passed to the exporter, but that have not been exported yet (neither successful, nor failed).`
    }), this.exported = meter.createCounter(`otel.sdk.exporter.${this.helper.name}.exported`, {
      unit: `{${this.helper.name}}`,
      description: `The number of ${this.helper.name}s for which the export has finished, either successful or failed.`
    }), this.duration = meter.createHistogram("otel.sdk.exporter.operation.duration", {
      unit: "s",
      description: "The duration of exporting a batch of telemetry records.",
      advice: {
        explicitBucketBoundaries: []
      }
    });
  }
  startExport(request) {
    let numItems = this.helper.countItems(request), startTime = hrTime();
    return this.inflight.add(numItems, this.standardAttrs), (error) => {
      let endTime = hrTime();
      this.inflight.add(-numItems, this.standardAttrs);
      let exportedAttrs = error ? {
        ...this.standardAttrs,
        [ATTR_ERROR_TYPE2]: error instanceof Error ? error.name : "export_failed"
      } : this.standardAttrs;
      this.exported.add(numItems, exportedAttrs);
      let durationAttrs = {
        ...exportedAttrs,
        ...this.responseAttributesFromError(error)
      }, duration3 = hrTimeToMilliseconds(hrTimeDuration(startTime, endTime)) / 1e3;
      this.duration.record(duration3, durationAttrs);
    };
  }
};

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/configuration/otlp-node-http-configuration.js
function httpAgentFactoryFromOptions(options) {
  return async (protocol) => {
    let isInsecure = protocol === "http:", module2 = isInsecure ? import("http") : import("https"), { Agent } = await module2;
    if (isInsecure) {
      let { ca, cert, key, ...insecureOptions } = options;
      return new Agent(insecureOptions);
    }
    return new Agent(options);
  };
}

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/transport/http-transport-utils.js
var zlib = __toESM(require("zlib")), import_stream = require("stream");

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/is-export-retryable.js
function isExportHTTPErrorRetryable(statusCode) {
  return statusCode === 429 || statusCode === 502 || statusCode === 503 || statusCode === 504;
}
function parseRetryAfterToMills(retryAfter) {
  if (retryAfter == null)
    return;
  let seconds = Number.parseInt(retryAfter, 10);
  if (Number.isInteger(seconds))
    return seconds > 0 ? seconds * 1e3 : -1;
  let delay = new Date(retryAfter).getTime() - Date.now();
  return delay >= 0 ? delay : 0;
}

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/transport/http-transport-utils.js
var DEFAULT_USER_AGENT = `OTel-OTLP-Exporter-JavaScript/${VERSION2}`, MAX_RESPONSE_BODY_SIZE = 4 * 1024 * 1024;
function sendWithHttp(request, url, headers2, compression, userAgent, agent, data, timeoutMillis) {
  return new Promise((resolve4) => {
    let parsedUrl2 = new URL(url);
    userAgent ? headers2["User-Agent"] = `${userAgent} ${DEFAULT_USER_AGENT}` : headers2["User-Agent"] = DEFAULT_USER_AGENT;
    let req = request(parsedUrl2, {
      method: "POST",
      headers: headers2,
      agent
    }, (res) => {
      let responseData = [], responseSize = 0;
      res.on("data", (chunk) => {
        if (responseSize += chunk.length, responseSize > MAX_RESPONSE_BODY_SIZE) {
          let sizeError = new Error(`OTLP export response body exceeded size limit of ${MAX_RESPONSE_BODY_SIZE} bytes`);
          resolve4({ status: "failure", error: sizeError }), res.destroy();
          return;
        }
        responseData.push(chunk);
      }), res.on("end", () => {
        if (res.statusCode && res.statusCode <= 299)
          resolve4({
            status: "success",
            data: Buffer.concat(responseData)
          });
        else if (res.statusCode && isExportHTTPErrorRetryable(res.statusCode))
          resolve4({
            status: "retryable",
            retryInMillis: parseRetryAfterToMills(res.headers["retry-after"])
          });
        else {
          let error = new OTLPExporterError(res.statusMessage, res.statusCode, Buffer.concat(responseData).toString());
          resolve4({
            status: "failure",
            error
          });
        }
      }), res.on("error", (error) => {
        res.statusCode && res.statusCode <= 299 ? resolve4({
          status: "success"
        }) : res.statusCode && isExportHTTPErrorRetryable(res.statusCode) ? resolve4({
          status: "retryable",
          error,
          retryInMillis: parseRetryAfterToMills(res.headers["retry-after"])
        }) : resolve4({
          status: "failure",
          error
        });
      });
    });
    req.setTimeout(timeoutMillis, () => {
      req.destroy(), resolve4({
        status: "retryable",
        error: new Error("Request timed out")
      });
    }), req.on("error", (error) => {
      isHttpTransportNetworkErrorRetryable(error) ? resolve4({
        status: "retryable",
        error
      }) : resolve4({
        status: "failure",
        error
      });
    }), compressAndSend(req, compression, data, (error) => {
      resolve4({
        status: "failure",
        error
      });
    });
  });
}
function compressAndSend(req, compression, data, onError) {
  let dataStream = readableFromUint8Array(data);
  compression === "gzip" && (req.setHeader("Content-Encoding", "gzip"), dataStream = dataStream.on("error", onError).pipe(zlib.createGzip()).on("error", onError)), dataStream.pipe(req).on("error", onError);
}
function readableFromUint8Array(buff) {
  let readable = new import_stream.Readable();
  return readable.push(buff), readable.push(null), readable;
}
function isHttpTransportNetworkErrorRetryable(error) {
  let RETRYABLE_NETWORK_ERROR_CODES = /* @__PURE__ */ new Set([
    "ECONNRESET",
    "ECONNREFUSED",
    "EPIPE",
    "ETIMEDOUT",
    "EAI_AGAIN",
    "ENOTFOUND",
    "ENETUNREACH",
    "EHOSTUNREACH"
  ]);
  return "code" in error && typeof error.code == "string" ? RETRYABLE_NETWORK_ERROR_CODES.has(error.code) : !1;
}

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/transport/http-exporter-transport.js
var HttpExporterTransport = class {
  _utils = null;
  _parameters;
  constructor(parameters) {
    this._parameters = parameters;
  }
  async send(data, timeoutMillis) {
    let { agent, request } = await this._loadUtils(), headers2 = await this._parameters.headers();
    return sendWithHttp(request, this._parameters.url, headers2, this._parameters.compression, this._parameters.userAgent, agent, data, timeoutMillis);
  }
  shutdown() {
  }
  async _loadUtils() {
    let utils = this._utils;
    if (utils === null) {
      let protocol = new URL(this._parameters.url).protocol, [agent, request] = await Promise.all([
        this._parameters.agentFactory(protocol),
        requestFunctionFactory(protocol)
      ]);
      utils = this._utils = { agent, request };
    }
    return utils;
  }
};
async function requestFunctionFactory(protocol) {
  let module2 = protocol === "http:" ? import("http") : import("https"), { request } = await module2;
  return request;
}
function createHttpExporterTransport(parameters) {
  return new HttpExporterTransport(parameters);
}

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/retrying-transport.js
init_esm();
var MAX_ATTEMPTS = 5, INITIAL_BACKOFF = 1e3, MAX_BACKOFF = 5e3, BACKOFF_MULTIPLIER = 1.5, JITTER = 0.2;
function getJitter() {
  return Math.random() * (2 * JITTER) - JITTER;
}
var RetryingTransport = class {
  _transport;
  constructor(transport) {
    this._transport = transport;
  }
  retry(data, timeoutMillis, inMillis) {
    return new Promise((resolve4, reject) => {
      setTimeout(() => {
        this._transport.send(data, timeoutMillis).then(resolve4, reject);
      }, inMillis);
    });
  }
  async send(data, timeoutMillis) {
    let attempts = MAX_ATTEMPTS, nextBackoff = INITIAL_BACKOFF, deadline = Date.now() + timeoutMillis, result = await this._transport.send(data, timeoutMillis);
    for (; result.status === "retryable" && attempts > 0; ) {
      attempts--;
      let backoff = Math.max(Math.min(nextBackoff * (1 + getJitter()), MAX_BACKOFF), 0);
      nextBackoff = nextBackoff * BACKOFF_MULTIPLIER;
      let retryInMillis = result.retryInMillis ?? backoff, remainingTimeoutMillis = deadline - Date.now();
      if (retryInMillis > remainingTimeoutMillis)
        return diag.info(`Export retry time ${Math.round(retryInMillis)}ms exceeds remaining timeout ${Math.round(remainingTimeoutMillis)}ms, not retrying further.`), result;
      diag.verbose(`Scheduling export retry in ${Math.round(retryInMillis)}ms`), result = await this.retry(data, remainingTimeoutMillis, retryInMillis);
    }
    return result.status === "success" ? diag.verbose(`Export succeeded after ${MAX_ATTEMPTS - attempts} retry attempts.`) : result.status === "retryable" ? diag.info(`Export failed after maximum retry attempts (${MAX_ATTEMPTS}).`) : diag.info(`Export failed with non-retryable error: ${result.error}`), result;
  }
  shutdown() {
    return this._transport.shutdown();
  }
};
function createRetryingTransport(options) {
  return new RetryingTransport(options.transport);
}

// node_modules/@opentelemetry/otlp-exporter-base/build/esm/otlp-http-export-delegate.js
function createOtlpHttpExporterMetrics(metricsComponentType, exporterMetricsHelper, url, meterProvider) {
  return new ExporterMetrics({
    componentType: metricsComponentType,
    metricsHelper: exporterMetricsHelper,
    url,
    meterProvider,
    responseAttributesFromError: (error) => error ? error instanceof OTLPExporterError ? {
      [ATTR_HTTP_RESPONSE_STATUS_CODE2]: error.code
    } : {} : {
      [ATTR_HTTP_RESPONSE_STATUS_CODE2]: 200
    }
  });
}
function createOtlpHttpExportDelegate(options, serializer, metricsComponentType, exporterMetricsHelper, meterProvider) {
  return createOtlpExportDelegate({
    transport: createRetryingTransport({
      transport: createHttpExporterTransport(options)
    }),
    serializer,
    promiseHandler: createBoundedQueueExportPromiseHandler(options),
    metrics: createOtlpHttpExporterMetrics(metricsComponentType, exporterMetricsHelper, options.url, meterProvider)
  }, { timeout: options.timeoutMillis });
}

// src/export/response.ts
function readResponse(body) {
  let text3 = new TextDecoder().decode(body);
  return text3.trim() === "" ? response(void 0, void 0) : hasControlCharacter(text3) ? protobufResponse(body) : jsonResponse(text3);
}
var WORDS_MAX = 300;
function errorWords(body) {
  let line = (jsonMessage(body) ?? protobufStatusMessage(body) ?? pageTitle(body) ?? body).replace(/[\p{Cc}\uFFFD\s]+/gu, " ").trim();
  return line.length > WORDS_MAX ? `${line.slice(0, WORDS_MAX)}\u2026` : line;
}
var response = (rejectedSpans, errorMessage) => ({
  kind: "response",
  rejectedSpans: Math.max(0, Math.trunc(Number(rejectedSpans ?? 0)) || 0),
  errorMessage: typeof errorMessage == "string" ? errorMessage : ""
}), junk = (body) => ({ kind: "junk", beginning: errorWords(body).slice(0, 80) }), hasControlCharacter = (text3) => /[^\P{Cc}\t\n\r]/u.test(text3);
function protobufResponse(body) {
  try {
    let { partialSuccess } = ProtobufTraceSerializer.deserializeResponse(body);
    return response(partialSuccess?.rejectedSpans, partialSuccess?.errorMessage);
  } catch {
    return junk(new TextDecoder().decode(body));
  }
}
function jsonResponse(text3) {
  let json = parsedJson(text3);
  if (json === void 0 || typeof json != "object" || Array.isArray(json)) return junk(text3);
  let partial3 = field(json, "partialSuccess") ?? field(json, "partial_success");
  return response(
    field(partial3, "rejectedSpans") ?? field(partial3, "rejected_spans"),
    field(partial3, "errorMessage") ?? field(partial3, "error_message")
  );
}
function jsonMessage(body) {
  let json = parsedJson(body), found = ["message", "error", "detail"].map((name) => field(json, name)).find((value) => value != null), words = field(found, "message") ?? found;
  return words === void 0 ? void 0 : typeof words == "string" ? words : JSON.stringify(words);
}
function protobufStatusMessage(body) {
  let tag2 = body.indexOf("");
  if (tag2 === -1 || tag2 > 3) return;
  let afterTag = body.slice(tag2 + 1);
  return afterTag.slice(afterTag.startsWith("\uFFFD") ? 2 : 1).split(/[^\P{Cc}\t\n\r]/u, 1)[0];
}
var pageTitle = (body) => /^\s*</.test(body) ? `a web page "${/<title[^>]*>([^<]*)/i.exec(body)?.[1]?.trim() ?? ""}"` : void 0;
function parsedJson(text3) {
  try {
    return JSON.parse(text3);
  } catch {
    return;
  }
}
var field = (value, name) => typeof value == "object" && value !== null ? value[name] : void 0;

// src/export/post.ts
async function openPost(destination, userAgent) {
  let agent = await httpAgentFactoryFromOptions({ keepAlive: !0, ...destination.tls })(new URL(destination.url).protocol), requests = 0;
  return {
    post: async (bytes, timeoutMs) => {
      let outcome = await send(bytes, timeoutMs, { destination, userAgent, agent, onRequest: () => requests += 1 });
      return answerTo(outcome, destination, timeoutMs);
    },
    requests: () => requests,
    close: () => agent.destroy()
  };
}
var RESPONSE_CHANNEL = "http.client.response.finish";
async function send(bytes, timeoutMs, { destination, userAgent, agent, onRequest }) {
  let head, body, timedOut = !1, onResponse = (message) => {
    let { request, response: response2 } = message;
    request.socket !== null && isOf(agent, request.socket) && (head = headOf(response2));
  }, headers2 = async () => {
    if (timedOut) throw new Error("timed out");
    return head = void 0, onRequest(), { ...destination.headers, "content-type": CONTENT_TYPES[destination.protocol] };
  }, timer = setTimeout(() => {
    timedOut = !0, agent.destroy();
  }, timeoutMs);
  (0, import_node_diagnostics_channel.subscribe)(RESPONSE_CHANNEL, onResponse);
  try {
    let delegate = createOtlpHttpExportDelegate(
      {
        url: destination.url,
        headers: headers2,
        agentFactory: () => agent,
        compression: destination.compression,
        timeoutMillis: timeoutMs,
        concurrencyLimit: 1,
        userAgent
      },
      {
        serializeRequest: (request) => request,
        deserializeResponse: (response2) => {
          body = response2;
        }
      },
      "otlp_http_span_exporter",
      // For OTel's metrics of itself, which nobody reads here.
      { name: "span", countItems: () => 0 },
      void 0
    );
    return { error: await new Promise((resolve4) => delegate.export(bytes, (result) => resolve4(result.error))), body, head, timedOut };
  } finally {
    (0, import_node_diagnostics_channel.unsubscribe)(RESPONSE_CHANNEL, onResponse), clearTimeout(timer);
  }
}
var CONTENT_TYPES = { "http/protobuf": "application/x-protobuf", "http/json": "application/json" }, isOf = (agent, socket) => Object.values(agent.sockets).some((sockets) => sockets?.includes(socket)), headOf = ({ statusCode = 0, headers: headers2 }) => ({
  status: statusCode,
  retryAfterMs: retryAfterFrom(headers2["retry-after"], Date.now()),
  location: headers2.location
});
function retryAfterFrom(value, nowMs) {
  if (value === void 0) return 0;
  let ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1e3 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
function answerTo(outcome, destination, timeoutMs) {
  let { error, body, head, timedOut } = outcome, say = (what) => `${shownUrl(destination.url)} ${withoutSecrets(what, destination)}`;
  if (error === void 0 && body !== void 0) return answerToBody(body, destination, say);
  let status = error instanceof OTLPExporterError ? error.code ?? head?.status : head?.status;
  if (status !== void 0 && status >= 300) return answerToStatus(status, outcome, destination, say);
  if (timedOut || error?.message === "Request timed out")
    return {
      kind: "unreachable",
      message: say(`gave no answer within ${Number((timeoutMs / 1e3).toFixed(1))} s.${portHint(destination)}`)
    };
  if (error instanceof OTLPExporterError) return { kind: "busy", retryAfterMs: 0, message: say("is busy.") };
  if (error === void 0 || isConnectionError(error)) {
    let reason = error === void 0 ? "broke off its answer" : `is not reachable (${errorCode(error) ?? error.message})`;
    return { kind: "unreachable", message: say(`${reason}.${portHint(destination)}`) };
  }
  return {
    kind: "unusable",
    message: say(
      `can't be talked to: ${errorWords(error.message) || errorCode(error)}. Check the address, http or https, and certificates.${portHint(destination)}`
    )
  };
}
function answerToBody(body, destination, say) {
  let read = readResponse(body);
  switch (read.kind) {
    case "response": {
      let words = errorWords(read.errorMessage);
      return read.rejectedSpans === 0 ? { kind: "accepted", rejectedSpans: 0, message: words === "" ? "" : say(`warns: ${words}`) } : { kind: "accepted", rejectedSpans: read.rejectedSpans, message: say(`refused spans: ${words || "it does not say why"}`) };
    }
    case "junk":
      return {
        kind: "unusable",
        message: say(`answered with something that is not OTLP: ${read.beginning}. ${HINTS[404]}${portHint(destination)}`)
      };
    default:
      return read;
  }
}
function answerToStatus(status, { error, head }, destination, say) {
  let words = error instanceof OTLPExporterError && error.data !== void 0 ? errorWords(error.data) : "", answered = `answered ${status}${words === "" ? "" : `: ${words}`}`;
  switch (status) {
    case 400:
    case 413:
    // What Phoenix and MLflow answer to spans they can't take.
    case 422:
      return { kind: "refused", status, message: say(answered) };
    case 401:
    case 403:
    case 404:
    case 405:
      return { kind: "unusable", message: say(`${answered}. ${HINTS[status]}`) };
    case 415: {
      let other = destination.protocol === "http/json" ? "http/protobuf" : "http/json";
      return { kind: "unusable", message: say(`${answered}. It does not take ${destination.protocol}: try ${other}.`) };
    }
    case 429:
    case 502:
    case 503:
    case 504: {
      let retryAfterMs = head?.retryAfterMs ?? 0, asks = retryAfterMs > 0 ? ` and asks to wait ${Math.ceil(retryAfterMs / 1e3)} s` : "";
      return { kind: "busy", retryAfterMs, message: say(`${answered}${asks}.`) };
    }
    default:
      return status >= 400 ? { kind: "failed", message: say(`${answered}.`) } : {
        kind: "unusable",
        message: say(`${answered}, a redirection to ${redirectionTarget(head, destination)}. Give the final address.`)
      };
  }
}
var HINTS = {
  401: "Check the credentials in the headers.",
  403: "Check the credentials in the headers.",
  404: "Check the address: OTLP/HTTP usually ends in /v1/traces.",
  405: "Check the address: OTLP/HTTP usually ends in /v1/traces."
};
function redirectionTarget(head, destination) {
  let location = head?.location;
  return location !== void 0 && URL.canParse(location, destination.url) ? shownUrl(new URL(location, destination.url).href) : "nowhere";
}
var portHint = (destination) => new URL(destination.url).port === "4317" ? " Port 4317 is usually gRPC; OTLP/HTTP is on 4318." : "", CONNECTION_ERRORS = ["ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH", "ENOTFOUND"], isConnectionError = (error) => CONNECTION_ERRORS.includes(errorCode(error) ?? "");
function errorCode(error) {
  let code2 = error.code;
  return typeof code2 == "string" ? code2 : void 0;
}

// src/export/deliver.ts
var DEADLINE_MS = 6e4, BACKOFF_MS = 5e3, BACKOFF_MAX_MS = 3e4, JITTER2 = 0.2, LONE_REFUSALS_MAX = 4, REFUSALS_IN_A_ROW_MAX = 64, FAILURES_IN_A_ROW_MAX = 3, MESSAGES_MAX = 20;
function createDelivery(destination, options) {
  let post = openPost(destination, `${options.scope.name}/${options.scope.version}`), course = courseOf(options), previous = Promise.resolve();
  return {
    send: (spans, record2, onWire) => {
      let parts = fixedParts(destination, options, record2, onWire), report = previous.then(async () => sendSession(spans, { ...parts, post: await post, course }));
      return previous = report.catch(() => {
      }), report;
    },
    close: async () => (await post).close()
  };
}
var courseOf = ({ limits = BATCH_LIMITS }) => ({
  answered: !1,
  accepted: !1,
  refusalsInARow: 0,
  loneRefusals: 0,
  failuresInARow: 0,
  limits: { ...limits },
  giveUpAt: 0
});
function fixedParts(destination, options, record2, onWire) {
  let serialize = serializerFor(destination.protocol, options.scope);
  return {
    timeoutMs: destination.timeoutMs,
    serialize: onWire === void 0 ? serialize : (spans) => serialize(spans.map(onWire)),
    deadlineMs: options.deadlineMs ?? DEADLINE_MS,
    backoffMs: options.backoffMs ?? BACKOFF_MS,
    limits: options.limits ?? BATCH_LIMITS,
    record: record2 ?? options.record ?? NO_RECORD,
    now: options.now ?? Date.now,
    wait: options.wait ?? ((ms) => new Promise((resolve4) => setTimeout(resolve4, ms)))
  };
}
var NO_RECORD = { intend: () => {
}, settle: () => {
} };
async function sendSession(spans, parts) {
  let { course, post } = parts, account = { acknowledged: 0, refused: 0, posts: 0, messages: /* @__PURE__ */ new Set(), suspects: [] }, requestsBefore = post.requests();
  return course.giveUpAt = parts.now() + parts.deadlineMs, await sendBatches(spans, course.limits, account, parts), reportOf(spans.length, post.requests() - requestsBefore, account, course);
}
async function sendBatches(spans, limits, account, parts) {
  if (parts.course.stopped === void 0) {
    for (let batch of batches(spans, parts.serialize, limits))
      if (await settle(batch, account, parts), parts.course.stopped !== void 0) return;
  }
}
async function settle(batch, account, parts) {
  let { course } = parts;
  try {
    parts.record.intend(batch.spans);
  } catch (error) {
    course.stopped = { message: `Nothing is sent, for it can't be written down: ${error.message}`, unusable: !1 };
    return;
  }
  account.posts += 1;
  let answer = await answerWithPatience(batch, parts);
  switch (answer.kind !== "busy" && answer.kind !== "unreachable" && (course.giveUpAt = parts.now() + parts.deadlineMs), answer.message !== "" && account.messages.add(answer.message), answer.kind) {
    case "accepted":
      return acknowledge(batch, answer.rejectedSpans, account, parts);
    case "refused":
      return split(batch, answer, account, parts);
    case "failed":
      course.failuresInARow += 1, course.failuresInARow >= FAILURES_IN_A_ROW_MAX && (course.stopped = { message: answer.message, unusable: !0 });
      return;
    case "unusable":
      course.stopped = { message: answer.message, unusable: !0 };
      return;
    case "busy":
      course.stopped = { message: answer.message, unusable: !1, retryAfterMs: answer.retryAfterMs };
      return;
    case "unreachable":
      course.stopped = { message: answer.message, unusable: !1 };
      return;
    default:
  }
}
async function answerWithPatience(batch, parts) {
  let { course, now } = parts;
  for (let round = 0; ; round += 1) {
    let answer = await parts.post.post(batch.bytes, Math.max(1, Math.min(parts.timeoutMs, course.giveUpAt - now())));
    if (course.answered ||= answer.kind !== "unreachable", answer.kind !== "busy" && answer.kind !== "unreachable" || !course.answered) return answer;
    let waitMs = Math.max(answer.kind === "busy" ? answer.retryAfterMs : 0, backoffMs(parts.backoffMs, round));
    if (now() + waitMs >= course.giveUpAt)
      return { ...answer, message: `${answer.message} Gave up: the next try would be after the deadline of ${parts.deadlineMs / 1e3} s.` };
    await parts.wait(waitMs);
  }
}
var backoffMs = (firstMs, round) => Math.min(firstMs * 2 ** round, BACKOFF_MAX_MS) * (1 + JITTER2 * (2 * Math.random() - 1));
function acknowledge(batch, rejectedSpans, account, parts) {
  let { course } = parts;
  course.accepted = !0, course.refusalsInARow = 0, course.failuresInARow = 0;
  let refused = Math.min(rejectedSpans, batch.spans.length);
  note({ spans: batch.spans, acknowledged: batch.spans.length - refused, refused }, account, parts), note({ spans: account.suspects, acknowledged: 0, refused: account.suspects.length }, account, parts), account.suspects = [];
}
async function split(batch, { status, message }, account, parts) {
  let { course } = parts;
  if (course.refusalsInARow += 1, batch.spans.length === 1 && (course.loneRefusals += 1, course.accepted ? note({ spans: batch.spans, acknowledged: 0, refused: 1 }, account, parts) : account.suspects.push(...batch.spans)), status === 413 && (course.limits.maxBytes = maxBytesAfter413(batch, parts)), course.refusalsInARow >= REFUSALS_IN_A_ROW_MAX || !course.accepted && course.loneRefusals >= LONE_REFUSALS_MAX) {
    let extent = course.accepted ? `refused ${course.refusalsInARow} requests in a row` : "refuses everything, even single spans";
    course.stopped = { message: `${message}. It ${extent}, so nothing more was sent.`, unusable: !0 }, account.messages.delete(message);
    return;
  }
  if (batch.spans.length === 1) return;
  let halves = {
    maxSpans: Math.ceil(batch.spans.length / 2),
    // The first half may teach a lower one.
    get maxBytes() {
      return course.limits.maxBytes;
    }
  };
  await sendBatches(batch.spans, halves, account, parts);
}
var maxBytesAfter413 = (batch, { limits }) => batch.spans.length === 1 ? limits.maxBytes : Math.ceil(batch.bytes.length / 2);
function note(settled, account, parts) {
  settled.spans.length !== 0 && (account.acknowledged += settled.acknowledged, account.refused += settled.refused, parts.record.settle(settled));
}
function reportOf(built, requests, account, { stopped }) {
  let { acknowledged, refused, posts } = account, messages = [.../* @__PURE__ */ new Set([...account.messages, ...stopped === void 0 ? [] : [stopped.message]])], more = messages.length - MESSAGES_MAX;
  return {
    built,
    acknowledged,
    refused,
    pending: built - acknowledged - refused,
    requests,
    retried: Math.max(0, requests - posts),
    messages: more > 0 ? [...messages.slice(-MESSAGES_MAX), `\u2026 and ${more} more`] : messages,
    ...stopped?.unusable ? { unusable: stopped.message } : {},
    ...stopped === void 0 ? {} : { stopped: stopped.message },
    ...stopped?.retryAfterMs ? { retryAfterMs: stopped.retryAfterMs } : {}
  };
}

// src/export/ledger.ts
var import_node_fs4 = require("node:fs"), import_node_path4 = require("node:path");

// node_modules/@opentelemetry/semantic-conventions/dist/experimental_attributes.mjs
var ATTR_GEN_AI_AGENT_DESCRIPTION = "gen_ai.agent.description", ATTR_GEN_AI_AGENT_ID = "gen_ai.agent.id", ATTR_GEN_AI_AGENT_NAME = "gen_ai.agent.name", ATTR_GEN_AI_AGENT_VERSION = "gen_ai.agent.version";
var ATTR_GEN_AI_CONVERSATION_ID = "gen_ai.conversation.id";
var ATTR_GEN_AI_INPUT_MESSAGES = "gen_ai.input.messages";
var ATTR_GEN_AI_OPERATION_NAME = "gen_ai.operation.name", GEN_AI_OPERATION_NAME_VALUE_CHAT = "chat";
var GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL = "execute_tool";
var GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT = "invoke_agent";
var ATTR_GEN_AI_OUTPUT_MESSAGES = "gen_ai.output.messages";
var ATTR_GEN_AI_PROVIDER_NAME = "gen_ai.provider.name";
var ATTR_GEN_AI_REQUEST_MODEL = "gen_ai.request.model";
var ATTR_GEN_AI_REQUEST_STREAM = "gen_ai.request.stream";
var ATTR_GEN_AI_RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons", ATTR_GEN_AI_RESPONSE_ID = "gen_ai.response.id", ATTR_GEN_AI_RESPONSE_MODEL = "gen_ai.response.model";
var ATTR_GEN_AI_TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments", ATTR_GEN_AI_TOOL_CALL_ID = "gen_ai.tool.call.id", ATTR_GEN_AI_TOOL_CALL_RESULT = "gen_ai.tool.call.result";
var ATTR_GEN_AI_TOOL_NAME = "gen_ai.tool.name", ATTR_GEN_AI_TOOL_TYPE = "gen_ai.tool.type", ATTR_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS = "gen_ai.usage.cache_creation.input_tokens", ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens";
var ATTR_GEN_AI_USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens", ATTR_GEN_AI_USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens";
var ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = "gen_ai.usage.reasoning.output_tokens";
var ATTR_MCP_METHOD_NAME = "mcp.method.name";
var ATTR_PROCESS_EXIT_CODE = "process.exit.code";
var ATTR_SESSION_ID = "session.id";
var ATTR_VCS_OWNER_NAME = "vcs.owner.name", ATTR_VCS_PROVIDER_NAME = "vcs.provider.name";
var ATTR_VCS_REF_HEAD_NAME = "vcs.ref.head.name";
var ATTR_VCS_REPOSITORY_NAME = "vcs.repository.name";
var ATTR_VCS_REPOSITORY_URL_FULL = "vcs.repository.url.full";

// src/trace/semconv.ts
var ATTR_GEN_AI_SKILL_NAME = "gen_ai.skill.name", ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS = "gen_ai.usage.cache_write.input_tokens", ATTR_GEN_AI_CONVERSATION_COMPACTED = "gen_ai.conversation.compacted", ATTR_GEN_AI_REQUEST_REASONING_LEVEL = "gen_ai.request.reasoning.level", ATTR_MCP_SERVER_NAME = "trace_build.mcp.server", ATTR_COMMAND = "trace_build.turn.command", ATTR_TURN_NUMBER = "trace_build.turn.number", ATTR_TURN_TRIGGER = "trace_build.turn.trigger", ATTR_TURN_REWOUND_TO = "trace_build.turn.rewound_to", ATTR_TURN_COPIED = "trace_build.turn.copied", ATTR_OUTCOME = "trace_build.outcome", ATTR_MODEL_CALLS = "trace_build.model_calls", ATTR_TOOL_CALLS = "trace_build.tool_calls", ATTR_COMPACTIONS = "trace_build.compactions", ATTR_PROBLEMS = "trace_build.problems", ATTR_REDACTIONS = "trace_build.redactions", ATTR_RETRIES = "trace_build.retries", ATTR_SERVER_TOOL_CALLS = "trace_build.server_tool_calls", ATTR_EFFORT = "trace_build.request.effort", ATTR_USAGE_UNRELIABLE = "trace_build.usage.unreliable", ATTR_COST_USD = "trace_build.cost.usd", ATTR_COST_PRICES = "trace_build.cost.prices", ATTR_AGENT_TYPE = "trace_build.agent.type", ATTR_AGENT_UNCLAIMED = "trace_build.agent.unclaimed", ATTR_AGENT_RESPAWNS = "trace_build.agent.respawns", ATTR_TEAMMATE = "trace_build.teammate", ATTR_TASK_ID = "trace_build.task.id", ATTR_PERMISSION_DECISION = "trace_build.permission.decision", ATTR_PERMISSION_SOURCE = "trace_build.permission.source", ATTR_INPUT_SCOPE = "trace_build.input.scope", ATTR_LINK_KIND = "trace_build.link", ATTR_COMPACTION_TRIGGER = "trace_build.compaction.trigger", ATTR_COMPACTION_TOKENS_BEFORE = "trace_build.compaction.tokens_before", ATTR_COMPACTION_TOKENS_AFTER = "trace_build.compaction.tokens_after", ATTR_COMPACTION_DURATION_MS = "trace_build.compaction.duration_ms", EVENT_COMPACTION = "trace_build.compaction", EVENT_STEERING = "trace_build.steering", profiles = {
  "1.41": {
    cacheWriteTokens: ATTR_GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
    agentHasProvider: !0,
    agentHasVersion: !0,
    agentHasCacheTokens: !0,
    effort: ATTR_EFFORT,
    compacted: void 0,
    finishReasonInMessage: !0,
    schemaUrl: "https://opentelemetry.io/schemas/1.41.0"
  },
  latest: {
    cacheWriteTokens: ATTR_GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    agentHasProvider: !1,
    agentHasVersion: !1,
    agentHasCacheTokens: !1,
    effort: ATTR_GEN_AI_REQUEST_REASONING_LEVEL,
    compacted: ATTR_GEN_AI_CONVERSATION_COMPACTED,
    finishReasonInMessage: !1,
    schemaUrl: void 0
  }
};

// src/export/ledger.ts
var VERSION3 = 1;
function openLedger(stateFolder, destinationKey) {
  let folder = (0, import_node_path4.join)(stateFolder, "ledger", destinationKey);
  claimVersion((0, import_node_path4.join)(stateFolder, "ledger")), (0, import_node_fs4.mkdirSync)(folder, { recursive: !0, mode: 448 });
  let fileOf = (traceId) => (0, import_node_path4.join)(folder, `${traceId.slice(0, 2)}.jsonl`), intended = /* @__PURE__ */ new Map();
  return {
    acknowledged: (spans, session) => {
      let ends = /* @__PURE__ */ new Map(), note2 = (spanId, endMs) => {
        ends.set(spanId, Math.max(endMs, ends.get(spanId) ?? 0));
      };
      for (let [path2, ids] of grouped(new Set(spans.map(({ traceId }) => traceId)), fileOf)) {
        let entries = entriesIn(path2, new Set(ids));
        for (let { s } of entries) for (let [spanId, endMs] of Object.entries(s)) note2(spanId, endMs);
        for (let traceId of new Set(entries.map(({ t }) => t)))
          session !== void 0 && !entries.some(({ t, c }) => t === traceId && c === session) && append(path2, "+", { t: traceId, c: session, s: {} });
      }
      let doneUntilMs = watermarksIn(folder);
      for (let span of doneUntilMs.size === 0 ? [] : spans)
        span.endMs <= (doneUntilMs.get(conversationOf(span)) ?? 0) && note2(span.spanId, span.endMs);
      return ends;
    },
    intend: (spans, session) => {
      for (let [traceId, ofTrace] of grouped(spans, (span) => span.traceId)) {
        let path2 = fileOf(traceId), offset = append(path2, "-", {
          t: traceId,
          c: session,
          s: Object.fromEntries(ofTrace.map(({ spanId, endMs }) => [spanId, endMs]))
        });
        for (let { spanId } of ofTrace) intended.set(spanId, { path: path2, offset });
      }
    },
    settle: (spans) => {
      let places = new Map(spans.map(({ spanId }) => intended.get(spanId)).map((place2) => [`${place2.path} ${place2.offset}`, place2]));
      for (let { path: path2, offset } of places.values()) confirm(path2, offset);
      for (let { spanId } of spans) intended.delete(spanId);
    },
    prune: (isGone) => prune(folder, isGone)
  };
}
var conversationOf = ({ attributes }) => String(attributes[ATTR_SESSION_ID]);
function claimVersion(folder) {
  let version2 = versionIn(folder);
  if (version2 > VERSION3)
    throw new UserError(
      `${folder} was written by a newer version of trace-build, so nothing is sent: this version can't tell what was delivered before.`,
      "Update trace-build."
    );
  version2 !== VERSION3 && writePrivate(versionFile(folder), `${VERSION3}
`);
}
var versionFile = (folder) => (0, import_node_path4.join)(folder, "version"), versionIn = (folder) => Number(readIfThere(versionFile(folder))?.trim()), ledgerFiles = (folder) => (0, import_node_fs4.readdirSync)(folder).filter((file) => /^[0-9a-f]{2}\.jsonl$/.test(file));
function append(path2, mark3, entry) {
  let fd = (0, import_node_fs4.openSync)(path2, "a", 384);
  try {
    let line = Buffer.from(`
${mark3}${JSON.stringify(entry)}
`), offset = (0, import_node_fs4.fstatSync)(fd).size + 1;
    if ((0, import_node_fs4.writeSync)(fd, line) < line.length) throw Object.assign(new Error(`${path2}: no space left for the ledger`), { code: "ENOSPC" });
    return offset;
  } finally {
    (0, import_node_fs4.closeSync)(fd);
  }
}
function confirm(path2, offset) {
  let fd = (0, import_node_fs4.openSync)(path2, "r+");
  try {
    (0, import_node_fs4.writeSync)(fd, "+", offset);
  } finally {
    (0, import_node_fs4.closeSync)(fd);
  }
}
function entriesIn(path2, traceIds) {
  let text3 = readIfThere(path2) ?? "", entries = [];
  for (let traceId of traceIds) {
    let beginning = `
+{"t":"${traceId}"`;
    for (let at = text3.indexOf(beginning); at >= 0; at = text3.indexOf(beginning, at + 1)) {
      let entry = entryOf(text3.slice(at + 1, lineEnd(text3, at + 1)));
      entry !== void 0 && entries.push(entry);
    }
  }
  return entries;
}
var lineEnd = (text3, from) => {
  let end = text3.indexOf(`
`, from);
  return end < 0 ? text3.length : end;
};
function entryOf(line) {
  if (line.startsWith("+"))
    try {
      let entry = JSON.parse(line.slice(1));
      return isEntry(entry) ? entry : void 0;
    } catch {
      return;
    }
}
function isEntry(value) {
  let { t, c, s } = value ?? {};
  return typeof t == "string" && typeof c == "string" && typeof s == "object" && s !== null && Object.values(s).every(Number.isFinite);
}
var WATERMARKS = "watermarks.jsonl";
function watermarksIn(folder) {
  let text3 = readIfThere((0, import_node_path4.join)(folder, WATERMARKS)) ?? "";
  return new Map(
    text3.split(`
`).flatMap((line) => entryOf(line) ?? []).map(({ c, s }) => [c, s.until ?? 0])
  );
}
function prune(folder, isGone) {
  let doneUntilMs = watermarksIn(folder), kept = /* @__PURE__ */ new Map();
  for (let name of ledgerFiles(folder)) {
    let path2 = (0, import_node_path4.join)(folder, name), entries = (0, import_node_fs4.readFileSync)(path2, "utf8").split(`
`).flatMap((line) => entryOf(line) ?? []), dead = [...grouped(entries, ({ t }) => t).values()].filter((ofTrace) => ofTrace.every(({ c }) => isGone(c)));
    if (dead.length === 0) continue;
    for (let ofTrace of dead) for (let { c } of ofTrace) doneUntilMs.set(c, Math.max(doneUntilMs.get(c) ?? 0, lastEndMs(ofTrace)));
    let goes = new Set(dead.flat());
    kept.set(
      path2,
      entries.filter((entry) => !goes.has(entry))
    );
  }
  if (kept.size === 0) return;
  let watermarks = [...doneUntilMs].map(([c, until]) => `+${JSON.stringify({ t: "", c, s: { until } })}
`);
  writePrivate((0, import_node_path4.join)(folder, WATERMARKS), watermarks.join(""));
  for (let [path2, entries] of kept) writePrivate(path2, entries.map((entry) => `
+${JSON.stringify(entry)}
`).join(""));
}
var lastEndMs = (entries) => entries.flatMap(({ s }) => Object.values(s)).reduce((last, endMs) => Math.max(last, endMs), 0);
function grouped(items, keyOf2) {
  let groups = /* @__PURE__ */ new Map();
  for (let item of items) {
    let key = keyOf2(item), group = groups.get(key);
    group === void 0 ? groups.set(key, [item]) : group.push(item);
  }
  return groups;
}

// src/export/outlet.ts
var PATIENCE_MS = 6e4, RETRY_FIRST_MS2 = 3e4, RETRY_MAX_MS2 = 60 * 6e4;
function openOutlet(destination, options) {
  let { stateFolder, now = Date.now } = options, key = keyOf(destination), ledger = onDisk(stateFolder, () => openLedger(stateFolder, key)), delivery = createDelivery(destination, { ...options, now: () => performance.now() }), health = healthFile(destination, stateFolder, key), alone = oneAtATime(stateFolder, key, options.deadlineMs), hasStopped = !1, isWanted = (ends) => (span) => span.endMs > (ends.get(span.spanId) ?? Number.NEGATIVE_INFINITY), maySend2 = ({ open }) => options.final === !0 || !open;
  return {
    key,
    send: (spans, session, onWire) => alone(async () => {
      let ends = options.resend ? /* @__PURE__ */ new Map() : onDisk(stateFolder, () => ledger.acknowledged(spans, session)), wanted = spans.filter(isWanted(ends)), sent = wanted.filter(maySend2), settled = /* @__PURE__ */ new Set(), report = await delivery.send(
        sent,
        {
          intend: (batch) => ledger.intend(batch, session),
          settle: (answered) => {
            ledger.settle(answered.spans);
            for (let span of answered.spans) settled.add(span);
          }
        },
        onWire
      );
      return sent.length > 0 && !hasStopped && health.note(report, now()), hasStopped ||= report.stopped !== void 0, {
        ...report,
        built: spans.length,
        before: spans.length - wanted.length,
        open: wanted.length - sent.length,
        updated: [...settled].filter(({ spanId }) => ends.has(spanId)).length,
        unsettled: new Set(wanted.filter((span) => !settled.has(span)).map(({ traceId }) => traceId))
      };
    }),
    unsent: (spans) => spans.filter(isWanted(options.resend ? /* @__PURE__ */ new Map() : ledger.acknowledged(spans))).filter(maySend2),
    health: health.read,
    prune: (isGone) => alone(() => ledger.prune(isGone)),
    close: delivery.close
  };
}
function oneAtATime(stateFolder, key, patienceMs = PATIENCE_MS) {
  let folder = (0, import_node_path5.join)(stateFolder, `delivery-${key}.lock`), waitsMs = patienceMs;
  return async (act) => {
    let held = await lock(folder, waitsMs).catch(unwritable(stateFolder));
    if (held === void 0)
      throw waitsMs = 0, new UserError(
        `Process ${holderOf(folder)?.pid ?? ""} is sending to the same destination, so this one does not.`,
        "Wait for it, or end it; what is left is sent the next time."
      );
    try {
      return await act();
    } finally {
      held.release();
    }
  };
}
function onDisk(folder, act) {
  try {
    return act();
  } catch (error) {
    return unwritable(folder)(error);
  }
}
var unwritable = (folder) => (error) => {
  throw error instanceof UserError || error.code === void 0 ? error : new UserError(
    `${folder} can't be written, so nothing is sent: ${error.message}.`,
    "Make room on the disk, or mend the permissions."
  );
};
var mayTry = ({ failing }, nowMs) => (
  // A clock that was set back must not stop us for longer than we meant to wait.
  failing === void 0 || nowMs >= failing.retryAtMs || failing.retryAtMs - nowMs > RETRY_MAX_MS2
), CREDENTIAL = /auth|cookie|credential|dsn|honeycomb-team|key|pass|secret|signature|token/i;
function keyOf({ url, headers: headers2 }) {
  let bare = new URL(url);
  bare.username = "", bare.password = "";
  for (let name of [...bare.searchParams.keys()]) CREDENTIAL.test(name) && bare.searchParams.delete(name);
  let tenant = Object.entries(headers2).filter(([name]) => !CREDENTIAL.test(name)).toSorted(([a], [b2]) => a < b2 ? -1 : 1);
  return hashOf(JSON.stringify([bare.href, tenant])).slice(0, 16);
}
var fingerprintOf = ({ url, headers: headers2, protocol, compression, tls }) => hashOf(JSON.stringify([url, headers2, protocol, compression, Object.values(tls).map((pem2) => hashOf(pem2))])).slice(0, 16), hashOf = (data) => (0, import_node_crypto.createHash)("sha256").update(data).digest("hex"), healthPath = (stateFolder, key) => (0, import_node_path5.join)(stateFolder, "ledger", key, "destination.json");
function storedHealth(path2) {
  try {
    return JSON.parse(readIfThere(path2) ?? "{}") ?? {};
  } catch {
    return {};
  }
}
var failureOf = ({ stopped, pending, acknowledged, refused, messages }) => stopped ?? (pending > 0 && acknowledged + refused === 0 ? messages.at(-1) ?? "The collector took nothing." : void 0);
function healthFile(destination, stateFolder, key) {
  let path2 = healthPath(stateFolder, key), fingerprint = fingerprintOf(destination), read = () => {
    let { health, fingerprint: known } = storedHealth(path2), { lastAcknowledgedMs, failing } = health ?? {};
    return {
      url: shownUrl(destination.url),
      ...Number.isFinite(lastAcknowledgedMs) && { lastAcknowledgedMs },
      ...known === fingerprint && Number.isFinite(failing?.retryAtMs) && { failing }
    };
  };
  return { read, note: (report, nowMs) => {
    let { lastAcknowledgedMs, failing } = read(), times = (failing?.times ?? 0) + 1, failure3 = failureOf(report), waitMs = Math.max(RETRY_FIRST_MS2 * 2 ** (times - 1), report.retryAfterMs ?? 0), health = {
      url: shownUrl(destination.url),
      ...report.acknowledged > 0 ? { lastAcknowledgedMs: nowMs } : lastAcknowledgedMs !== void 0 && { lastAcknowledgedMs },
      ...failure3 !== void 0 && {
        failing: {
          sinceMs: failing?.sinceMs ?? nowMs,
          times,
          retryAtMs: nowMs + Math.min(waitMs, RETRY_MAX_MS2),
          message: failure3,
          unusable: report.unusable !== void 0
        }
      }
    };
    try {
      writePrivate(path2, `${JSON.stringify({ health, fingerprint })}
`);
    } catch {
    }
  } };
}

// src/sync/in-scope.ts
var import_node_fs15 = require("node:fs"), import_node_path12 = require("node:path");

// src/config/scope.ts
var import_node_path6 = require("node:path");
function decideScope(config2, facts, home) {
  let excluding = config2.exclude.find((pattern2) => isExcluded(pattern2, facts, home));
  if (excluding !== void 0) return { inScope: !1, why: `excluded by ${excluding}` };
  let unsure = facts.exists ? void 0 : config2.exclude.find((pattern2) => !isPlainDirectory(pattern2, home));
  if (unsure !== void 0)
    return { inScope: !1, why: `its directory is gone, so it can't be told whether ${unsure} excludes it: ${facts.directory}` };
  let roots = rootsOf(config2, home), inRoot = (path2) => oldest(roots.filter((root3) => root3.path === "*" || isInside(path2, facts.realPath(root3.path)))), root2 = inRoot(facts.path);
  if (root2 !== void 0)
    return { inScope: !0, root: root2, why: root2.path === "*" ? "every directory is in scope: *" : `inside the root ${root2.path}` };
  let main = facts.repository === void 0 ? void 0 : inRoot(facts.repository);
  if (main !== void 0) return { inScope: !0, root: main, why: `a git worktree of ${facts.repository}, inside the root ${main.path}` };
  let including = config2.include.find((pattern2) => isIncluded(pattern2, facts, home));
  return including !== void 0 ? { inScope: !0, root: { path: expanded(including, home) }, why: `included by ${including}` } : { inScope: !1, why: notHeld(facts, roots, config2.include) };
}
var rootsOf = (config2, home) => config2.trace_roots.map((root2) => typeof root2 == "string" ? { path: expanded(root2, home) } : { path: expanded(root2.path, home), ...root2.added !== void 0 && { addedMs: Date.parse(root2.added) } }), oldest = (roots) => roots.toSorted((a, b2) => (a.addedMs ?? Number.POSITIVE_INFINITY) - (b2.addedMs ?? Number.POSITIVE_INFINITY))[0];
function isExcluded(pattern2, facts, home) {
  let { directory, outerRepositories, outerRemotes } = facts;
  return isIncluded(pattern2, facts, home) || [directory, ...outerRepositories].some((path2) => isAt(pattern2, path2, facts, home)) || outerRemotes.some(onRemote(pattern2));
}
function isIncluded(pattern2, facts, home) {
  return /^\*+$/.test(pattern2) ? !0 : (facts.repository === void 0 ? [facts.path] : [facts.path, facts.repository]).some((path2) => isAt(pattern2, path2, facts, home)) || facts.remotes.some(onRemote(pattern2));
}
function onRemote(pattern2) {
  let glob = globOf(pattern2.replace(/\.git$/, ""), "i");
  return (remote) => glob.test(remote);
}
var isPlainDirectory = (pattern2, home) => (0, import_node_path6.isAbsolute)(expanded(pattern2, home)) && !pattern2.includes("*");
function isAt(pattern2, path2, facts, home) {
  let place2 = expanded(pattern2, home);
  return (0, import_node_path6.isAbsolute)(place2) ? place2.includes("*") ? globOf(place2).test(path2) : isInside(path2, place2) || isInside(path2, facts.realPath(place2)) : !1;
}
function isInside(path2, folder) {
  let way = (0, import_node_path6.relative)(folder, path2);
  return way === "" || way.split(import_node_path6.sep)[0] !== ".." && !(0, import_node_path6.isAbsolute)(way);
}
function globOf(pattern2, flags = "") {
  let source = pattern2.replace(/\/+$/, "").replaceAll(/\*\*+|[*.+?^${}()|[\]\\]/g, (found) => found === "*" ? "[^/]*" : found.startsWith("*") ? ".*" : `\\${found}`);
  return new RegExp(`^${source}(?:/.*)?$`, flags);
}
function notHeld({ directory, path: path2 }, roots, include) {
  if (roots.length === 0 && include.length === 0) return "nothing is exported: trace_roots is empty";
  let named = [
    ...roots.length > 0 ? [`roots: ${roots.map(({ path: path3 }) => path3).join(", ")}`] : [],
    ...include.length > 0 ? [`include: ${include.join(", ")}`] : []
  ];
  return `no root holds ${directory}${path2 === directory ? "" : `, which is ${path2}`} (${named.join("; ")})`;
}

// src/read/find.ts
var import_node_fs7 = require("node:fs"), import_node_path7 = require("node:path");

// src/read/beginning.ts
var import_node_fs6 = require("node:fs");

// src/read/lines.ts
var import_node_fs5 = require("node:fs"), CHUNK_BYTES = 256 * 1024, LF = 10;
function* linesOf(path2, fromByte = 0, ends = [], maxBytes = Number.POSITIVE_INFINITY) {
  let fd = (0, import_node_fs5.openSync)(path2, "r");
  try {
    let buffer = Buffer.allocUnsafe(CHUNK_BYTES), filled = 0, position = fromByte;
    for (; ; ) {
      let wanted = Math.min(buffer.length - filled, fromByte + maxBytes - position), read = (0, import_node_fs5.readSync)(fd, buffer, filled, wanted, position);
      if (read === 0) break;
      position += read;
      let end = filled + read, start = 0, bufferAt = position - end;
      for (let at = buffer.indexOf(LF, filled); at >= 0 && at < end; at = buffer.indexOf(LF, start))
        ends.push(bufferAt + at + 1), yield buffer.subarray(start, at), start = at + 1;
      buffer.copyWithin(0, start, end), filled = end - start, filled === buffer.length && (buffer = Buffer.concat([buffer], buffer.length * 2));
    }
    filled > 0 && (ends.push(position - filled), yield buffer.subarray(0, filled));
  } finally {
    (0, import_node_fs5.closeSync)(fd);
  }
}
function headOf2(path2, bytes) {
  if (!(0, import_node_fs5.statSync)(path2).isFile()) throw new Error(`${path2} is no regular file`);
  let fd = (0, import_node_fs5.openSync)(path2, "r");
  try {
    let buffer = Buffer.allocUnsafe(bytes);
    return buffer.toString("utf8", 0, (0, import_node_fs5.readSync)(fd, buffer, 0, bytes, 0));
  } finally {
    (0, import_node_fs5.closeSync)(fd);
  }
}

// src/read/beginning.ts
var MAX_BYTES = 16 * 1024 * 1024;
function beginningOf(path2, layout2) {
  let [atMs, directory] = [];
  try {
    if (!(0, import_node_fs6.statSync)(path2).isFile()) return {};
    for (let bytes of linesOf(path2, 0, [], MAX_BYTES)) {
      let line = bytes.toString();
      if (atMs ??= layout2.timeOf(line), directory ??= layout2.directoryOf(line), atMs !== void 0 && directory !== void 0) break;
    }
  } catch {
  }
  return { ...atMs !== void 0 && { atMs }, ...directory !== void 0 && { directory } };
}

// src/read/find.ts
var HEAD_BYTES2 = 64 * 1024, MAX_AGENT_DEPTH = 3;
function findSessions(given, places, beside = /* @__PURE__ */ new Map()) {
  let stats = statsOf(given);
  if (stats === void 0) return [byId(given, places, beside)];
  let harness = places.harnesses[0];
  if (stats.isDirectory()) {
    demandReadable(given);
    let found = sessionsUnder(given, harness);
    if (found.length === 0)
      throw new UserError(`${given} holds no sessions.`, "Name a transcript (.jsonl), or a folder such as ~/.claude/projects.");
    return found;
  }
  if (!stats.isFile())
    throw new UserError(
      `${given} is a pipe or a device, not a file.`,
      "Write the transcript to a file first (cat \u2026 > session.jsonl), and name that."
    );
  return [fromFile(given, harness, beside)];
}
function findAgent({ folder, harness }, agentId, known = /* @__PURE__ */ new Map()) {
  let key = `${harness.name} ${folder}`, agents = known.get(key) ?? agentsAround(folder, harness);
  return known.set(key, agents), agents.get(agentId);
}
var findNeighbour = (ref, idPrefix) => entriesOf(ref.folder).filter(({ name }) => name.startsWith(idPrefix) && ref.harness.layout.classify(name)?.kind === "session").map(({ name }) => (0, import_node_path7.join)(ref.folder, name))[0];
function byId(id, places, beside) {
  let advice = "Name a file, a directory, a session id or its beginning; or --last for the newest session of this directory.";
  if (id.includes("/") || id.endsWith(".jsonl")) throw new UserError(`There is no ${id}.`, advice);
  let found = places.harnesses.flatMap(
    (harness) => harness.layout.roots(places.env, places.home).flatMap(
      (root2) => foldersIn(root2).flatMap(
        (folder) => entriesOf((0, import_node_path7.join)(root2, folder)).flatMap(({ name }) => {
          let kind = harness.layout.classify(name);
          return kind?.kind === "session" && kind.sessionId.startsWith(id) ? [{ harness, path: (0, import_node_path7.join)(root2, folder, name), sessionId: kind.sessionId }] : [];
        })
      )
    )
  ), ids = [...new Set(found.map(({ sessionId }) => sessionId))];
  if (ids.length > 1)
    throw new UserError(
      `${ids.length} sessions begin with ${id}: ${ids.slice(0, 5).join(", ")}${ids.length > 5 ? " \u2026" : ""}`,
      "Give more of the id."
    );
  if (found.length === 0) throw new UserError(`There is no file, directory or session called ${id}.`, advice);
  return found.map(({ harness, path: path2 }) => fromFile(path2, harness, beside)).toSorted((a, b2) => b2.modifiedMs - a.modifiedMs)[0];
}
function fromFile(path2, harness, known) {
  let folder = (0, import_node_path7.dirname)(path2), kind = harness.layout.classify((0, import_node_path7.basename)(path2));
  if (kind?.kind === "agent" || isWithinAgents(folder, harness))
    throw new UserError(`${path2} is the transcript of a sub-agent.`, "Name the session it belongs to: its agents come with it.");
  let sessionId = kind?.sessionId ?? (0, import_node_path7.basename)(path2), own2 = agentsIn((0, import_node_path7.join)(folder, sessionId), folder, harness), key = `${harness.name} ${folder}`, beside = known.get(key) ?? agentsBeside(folder, harness);
  return known.set(key, beside), sessionRef(harness, sessionId, path2, folder, [...own2, ...beside.get(sessionId) ?? []]);
}
function sessionsUnder(top, harness) {
  let seen = /* @__PURE__ */ new Set(), found = [], visit = (folder) => {
    let real = realPathOf(folder);
    if (seen.has(real)) return;
    seen.add(real);
    let sessions = sessionsIn(folder, harness);
    for (let session of sessions) found.push(session);
    let ids = new Set(sessions.map(({ sessionId }) => sessionId)), isOfSession = (name) => ids.has(name) && hasAgentFolder((0, import_node_path7.join)(folder, name), harness);
    for (let name of foldersIn(folder)) isOfSession(name) || visit((0, import_node_path7.join)(folder, name));
  };
  if (isSessionFolder(top, harness) || isWithinAgents(top, harness))
    throw new UserError(`${top} holds the sub-agents of one session.`, "Name the session, or the folder above it.");
  return visit(top), found.toSorted((a, b2) => a.begunMs - b2.begunMs || (a.sessionId < b2.sessionId ? -1 : 1));
}
function sessionsIn(folder, harness) {
  let paths = new Map(
    entriesOf(folder).flatMap(({ name }) => {
      let kind = harness.layout.classify(name);
      return kind?.kind === "session" ? [[kind.sessionId, (0, import_node_path7.join)(folder, name)]] : [];
    })
  ), beside = agentsBeside(folder, harness), folders = foldersIn(folder).filter((name) => !paths.has(name) && agentsIn((0, import_node_path7.join)(folder, name), folder, harness).length > 0);
  return [.../* @__PURE__ */ new Set([...paths.keys(), ...beside.keys(), ...folders])].map(
    (sessionId) => sessionRef(harness, sessionId, paths.get(sessionId), folder, [
      ...agentsIn((0, import_node_path7.join)(folder, sessionId), folder, harness),
      ...beside.get(sessionId) ?? []
    ])
  );
}
function sessionRef(harness, sessionId, path2, folder, agents) {
  let anyPath = path2 ?? agents[0]?.path, stats = anyPath === void 0 ? void 0 : readableStats(anyPath), { atMs, directory = directoryAmong(agents, harness) } = anyPath === void 0 ? {} : beginningOf(anyPath, harness.layout);
  return {
    harness,
    sessionId,
    path: path2,
    folder,
    agents: agents.toSorted((a, b2) => a.agentId < b2.agentId ? -1 : 1),
    begunMs: atMs ?? 0,
    ...directory !== void 0 && { startDirectory: directory },
    modifiedMs: stats?.mtimeMs ?? 0,
    bytes: path2 === void 0 ? 0 : stats?.size ?? 0
  };
}
function directoryAmong(agents, { layout: layout2 }) {
  for (let { path: path2 } of agents) {
    let { directory } = beginningOf(path2, layout2);
    if (directory !== void 0) return directory;
  }
}
function agentsAround(folder, harness) {
  let agents = /* @__PURE__ */ new Map();
  for (let neighbour of foldersIn(folder))
    for (let agent of agentsIn((0, import_node_path7.join)(folder, neighbour), folder, harness))
      agents.has(agent.agentId) || agents.set(agent.agentId, agent);
  return agents;
}
function agentsIn(sessionFolder, projectFolder, harness) {
  let visit = (folder, depth) => [
    ...entriesOf(folder).flatMap(({ name }) => {
      let path2 = (0, import_node_path7.join)(folder, name), kind = harness.layout.classify((0, import_node_path7.relative)(projectFolder, path2).split(import_node_path7.sep).join("/"));
      return kind?.kind === "agent" ? [{ agentId: kind.agentId, path: path2, ...kind.group !== void 0 && { group: kind.group } }] : [];
    }),
    ...depth < MAX_AGENT_DEPTH ? foldersIn(folder).flatMap((name) => visit((0, import_node_path7.join)(folder, name), depth + 1)) : []
  ];
  return harness.layout.agentFolders.flatMap((name) => visit((0, import_node_path7.join)(sessionFolder, name), 1));
}
function agentsBeside(folder, harness) {
  let bySession = /* @__PURE__ */ new Map();
  for (let { name } of entriesOf(folder)) {
    let kind = harness.layout.classify(name);
    if (kind?.kind !== "agent") continue;
    let path2 = (0, import_node_path7.join)(folder, name), sessionId = harness.layout.sessionOf(readableHead(path2));
    sessionId !== void 0 && bySession.set(sessionId, [...bySession.get(sessionId) ?? [], { agentId: kind.agentId, path: path2 }]);
  }
  return bySession;
}
var hasAgentFolder = (folder, harness) => foldersIn(folder).some((name) => harness.layout.agentFolders.includes(name));
function isSessionFolder(folder, harness) {
  if (!hasAgentFolder(folder, harness)) return !1;
  let [parent, id] = [(0, import_node_path7.dirname)((0, import_node_path7.resolve)(folder)), (0, import_node_path7.basename)((0, import_node_path7.resolve)(folder))], isItsFile = (name) => {
    let kind = harness.layout.classify(name);
    return kind?.kind === "session" && kind.sessionId === id;
  };
  return entriesOf(parent).some(({ name }) => isItsFile(name)) || agentsIn((0, import_node_path7.resolve)(folder), parent, harness).length > 0;
}
function isWithinAgents(folder, harness) {
  let parts = realPathOf(folder).split(import_node_path7.sep);
  return parts.some(
    (part, at) => at > 1 && harness.layout.agentFolders.includes(part) && isSessionFolder(parts.slice(0, at).join(import_node_path7.sep), harness)
  );
}
function statsOf(path2) {
  try {
    return (0, import_node_fs7.statSync)(path2, { throwIfNoEntry: !1 });
  } catch (error) {
    throw unreadable(path2, error);
  }
}
function demandReadable(folder) {
  try {
    (0, import_node_fs7.readdirSync)(folder);
  } catch (error) {
    throw unreadable(folder, error);
  }
}
var unreadable = (path2, error) => (
  // Node repeats the path at the end.
  new UserError(
    `${path2} can't be read: ${error.message.replace(/, \w+ '.*$/s, "")}.`,
    "Check the path, and the permissions of its folders."
  )
);
function realPathOf(path2) {
  try {
    return (0, import_node_fs7.realpathSync)(path2);
  } catch {
    return (0, import_node_path7.resolve)(path2);
  }
}
function readableStats(path2) {
  try {
    return (0, import_node_fs7.statSync)(path2);
  } catch {
    return;
  }
}
function readableHead(path2) {
  try {
    return headOf2(path2, HEAD_BYTES2);
  } catch {
    return "";
  }
}
var entriesOf = (folder) => listed(folder).filter((entry) => !entry.isFolder), foldersIn = (folder) => listed(folder).flatMap((entry) => entry.isFolder ? [entry.name] : []);
function listed(folder) {
  try {
    return (0, import_node_fs7.readdirSync)(folder, { withFileTypes: !0 }).map((entry) => ({
      name: entry.name,
      isFolder: entry.isDirectory() || entry.isSymbolicLink() && leadsToFolder((0, import_node_path7.join)(folder, entry.name))
    })).toSorted((a, b2) => a.name < b2.name ? -1 : 1);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "ELOOP"].includes(error.code ?? "")) return [];
    throw unreadable(folder, error);
  }
}
function leadsToFolder(link) {
  try {
    return (0, import_node_fs7.statSync)(link).isDirectory();
  } catch {
    return !1;
  }
}

// src/read/repository.ts
var import_node_child_process2 = require("node:child_process"), import_node_fs8 = require("node:fs"), import_node_path8 = require("node:path"), GIT_TIMEOUT_MS = 2e3;
function repositoryOf(directory, known = /* @__PURE__ */ new Map()) {
  let repository = known.get(directory) ?? askGit(directory);
  return known.set(directory, repository), repository;
}
function askGit(directory) {
  if (!isInRepository(directory)) return {};
  let url = browserUrl(gitSays(directory, ["config", "--get", "remote.origin.url"]).trim());
  return url === void 0 ? {} : { url };
}
function gitSays(directory, args) {
  let { status, stdout } = (0, import_node_child_process2.spawnSync)("git", ["-C", directory, ...args], {
    encoding: "utf8",
    env: withoutGit(process.env),
    timeout: GIT_TIMEOUT_MS,
    stdio: ["ignore", "pipe", "ignore"]
  });
  return status === 0 ? stdout : "";
}
var withoutGit = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GIT_")));
function isInRepository(directory) {
  for (let at = directory; ; at = (0, import_node_path8.dirname)(at)) {
    if ((0, import_node_fs8.existsSync)((0, import_node_path8.join)(at, ".git"))) return !0;
    if (at === (0, import_node_path8.dirname)(at)) return !1;
  }
}
function browserUrl(remote) {
  let scp = /^(?:[^@/:]+@)?([\w.-]+\.[\w.-]+):(?!\/\/)(.+)$/.exec(remote), text3 = scp === null ? remote : `ssh://${scp[1]}/${scp[2]}`;
  if (!URL.canParse(text3)) return;
  let url = new URL(text3);
  if (!["https:", "http:", "ssh:", "git:", "git+ssh:"].includes(url.protocol) || url.hostname === "") return;
  let port = url.protocol.startsWith("http") && url.port !== "" ? `:${url.port}` : "", scheme = url.protocol === "http:" ? "http" : "https", path2 = url.pathname.replace(/\/+$/, "").replace(/\.git$/, "");
  return `${scheme}://${url.hostname}${port}${path2.startsWith("/") ? path2 : `/${path2}`}`;
}

// src/read/transcript.ts
var import_node_fs10 = require("node:fs");

// src/read/new-lines.ts
var import_node_crypto2 = require("node:crypto"), import_node_fs9 = require("node:fs");
var MARK_BYTES = 4096, readNewLines = (path2, cursor) => {
  let known = cursor, fromByte = known !== void 0 && fits(known, path2) ? known.offset : 0, ends = [];
  return {
    records: linesOf(path2, fromByte, ends),
    fromStart: fromByte === 0,
    cursor: (after = ends.length) => ({ ...cursorAt(path2, after === 0 ? fromByte : ends[after - 1]) })
  };
};
function fits(cursor, path2) {
  if (cursor.path !== path2) return !1;
  let now = cursorAt(path2, cursor.offset);
  return now.beginning === cursor.beginning && now.last === cursor.last;
}
function cursorAt(path2, offset) {
  let fd = (0, import_node_fs9.openSync)(path2, "r");
  try {
    let bytes = Math.min(MARK_BYTES, offset), size = (0, import_node_fs9.fstatSync)(fd).size;
    return { path: path2, offset, beginning: hashOf2(fd, 0, bytes), last: size < offset ? "" : hashOf2(fd, offset - bytes, bytes) };
  } finally {
    (0, import_node_fs9.closeSync)(fd);
  }
}
function hashOf2(fd, from, bytes) {
  let buffer = Buffer.alloc(bytes), read = (0, import_node_fs9.readSync)(fd, buffer, 0, bytes, from);
  return (0, import_node_crypto2.createHash)("sha256").update(buffer.subarray(0, read)).digest("hex").slice(0, 32);
}

// src/read/transcript.ts
var mainFile = (ref) => ref.path === void 0 ? { name: `${ref.sessionId} (gone)`, lines: [] } : openFile(ref.path);
function openFile(path2) {
  let unreadable2 = reasonAgainst(path2);
  return unreadable2 === void 0 ? { name: path2, lines: readableLines(path2, linesOf(path2)) } : { name: path2, lines: [], unreadable: unreadable2 };
}
function openMain(ref, cursor, lines2 = 0) {
  let { path: path2 } = ref, file = mainFile(ref);
  if (path2 === void 0 || file.unreadable !== void 0) return { file, fromStart: !0, cursorAfter: () => {
  } };
  let opened = readNewLines(path2, cursor), before = opened.fromStart ? 0 : lines2;
  return {
    file: { name: path2, lines: readableLines(path2, opened.records), firstLine: before + 1 },
    fromStart: opened.fromStart,
    cursorAfter: (line) => opened.cursor(line - before)
  };
}
function stampOf(path2) {
  let stats = (0, import_node_fs10.statSync)(path2, { throwIfNoEntry: !1 });
  return stats && `${stats.size} ${stats.mtimeMs}`;
}
function agentFile(agent) {
  let meta2 = textOf4(agent.path.replace(/\.jsonl$/, ".meta.json"));
  return {
    ...openFile(agent.path),
    id: agent.agentId,
    ...meta2 !== void 0 && { meta: meta2 },
    ...agent.group !== void 0 && { group: agent.group }
  };
}
function* readableLines(path2, lines2) {
  try {
    yield* lines2;
  } catch (error) {
    throw new UserError(`${path2} can't be read: ${error.message}.`, "Check that the file is still there, and its disk.");
  }
}
function reasonAgainst(path2) {
  try {
    return (0, import_node_fs10.accessSync)(path2, import_node_fs10.constants.R_OK), (0, import_node_fs10.statSync)(path2).isFile() ? void 0 : "it is no regular file";
  } catch (error) {
    return error.message;
  }
}
function textOf4(path2) {
  try {
    return (0, import_node_fs10.readFileSync)(path2, "utf8");
  } catch (error) {
    let { code: code2, message } = error;
    return code2 === "ENOENT" ? void 0 : message;
  }
}

// src/redact/anchors.ts
var slotOf = (first, second, third) => (first << 12 ^ second << 6 ^ third) & 262143;
function anchorIndex(rules) {
  let rulesByLiteral = /* @__PURE__ */ new Map();
  for (let [index, { anchors }] of rules.entries())
    for (let literal of new Set(anchors)) rulesByLiteral.set(literal, [...rulesByLiteral.get(literal) ?? [], index]);
  let table = new Uint8Array(262144), anchorsBySlot = /* @__PURE__ */ new Map();
  for (let [literal, indices] of rulesByLiteral) {
    if (literal.length < 3) throw new Error(`anchor ${JSON.stringify(literal)} is too short`);
    let slot = slotAt(literal, 0);
    anchorsBySlot.set(slot, [...anchorsBySlot.get(slot) ?? [], { literal, rules: indices }]), table[slot] = 1;
  }
  let compare2 = (text3, at, found) => {
    for (let anchor2 of anchorsBySlot.get(slotAt(text3, at)) ?? []) text3.startsWith(anchor2.literal, at) && found.push({ at, anchor: anchor2 });
  };
  return {
    at: (text3, at) => {
      let found = [];
      return compare2(text3, at, found), found;
    },
    in: (text3) => {
      let found = [];
      for (let at of candidates(text3, table)) compare2(text3, at, found);
      return found;
    }
  };
}
function candidates(text3, table) {
  let starts = [], slot = 0;
  for (let at = 0; at < text3.length; at++)
    slot = (slot << 6 ^ text3.charCodeAt(at)) & 262143, table[slot] === 1 && at >= 2 && starts.push(at - 2);
  return starts;
}
var slotAt = (text3, at) => slotOf(text3.charCodeAt(at), text3.charCodeAt(at + 1), text3.charCodeAt(at + 2));

// src/redact/ranges.ts
function merged2(ranges) {
  if (ranges.length < 2) return [...ranges];
  let result = [];
  for (let range of ranges.toSorted((a, b2) => a.start - b2.start)) {
    let last = result.at(-1);
    last === void 0 || range.start > last.end || range.start === last.end && range.rule !== last.rule ? result.push(range) : result[result.length - 1] = { start: last.start, end: Math.max(last.end, range.end), rule: Math.min(last.rule, range.rule) };
  }
  return result;
}
function gaps(start, end, ranges) {
  let result = [], from = start;
  for (let range of ranges)
    range.end <= start || range.start >= end || (range.start > from && result.push({ start: from, end: range.start }), from = Math.max(from, range.end));
  return from < end && result.push({ start: from, end }), result;
}

// src/redact/view.ts
var ESCAPES = (
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals obey it
  /(?<!\\)\\+(?:(?:u001[bB]|x1[bB]|033|e)\[[0-9;?]{0,20}[A-Za-z]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[nrtbf"'/])|\x1b\[[0-9;?]{0,20}[A-Za-z]/g
), CONTROLS = { n: `
`, r: "\r", t: "	", b: "\b", f: "\f" };
function viewOf(text3) {
  if (!text3.includes("\\") && !text3.includes("\x1B")) return;
  let parts = [], ends = [], shifts = [], stands = [], letters = [], [from, length] = [0, 0];
  for (let match of text3.matchAll(ESCAPES)) {
    let meaning = meaningOf(match[0]);
    parts.push(text3.slice(from, match.index), meaning), length += match.index - from + meaning.length, from = match.index + match[0].length, ends.push(length), shifts.push(from - length), stands.push(meaning !== ""), CONTROLS[text3[from - 1]] === meaning && letters.push(from - 1);
  }
  if (ends.length === 0) return;
  parts.push(text3.slice(from));
  let lastUpTo = (at) => {
    let [low, high] = [0, ends.length];
    for (; low < high; ) {
      let middle = low + high >> 1;
      ends[middle] <= at ? low = middle + 1 : high = middle;
    }
    return low - 1;
  };
  return {
    text: parts.join(""),
    letters,
    original: ({ start, end }) => {
      let last = lastUpTo(end);
      for (; last >= 0 && ends[last] === end && !stands[last]; ) last--;
      return { start: start + (shifts[lastUpTo(start)] ?? 0), end: end + (shifts[last] ?? 0) };
    }
  };
}
function meaningOf(written) {
  if (!written.startsWith("\\") || /\[[0-9;?]*[A-Za-z]$/.test(written)) return "";
  let said = written.replace(/^\\+/, "");
  return /^[ux]./.test(said) ? String.fromCharCode(Number.parseInt(said.slice(1), 16)) : CONTROLS[said] ?? said;
}

// src/redact/find.ts
var PLACEHOLDER = /\[REDACTED:[a-z0-9-]{1,64}\]/g, MAX_ROUNDS = 8;
function finder(rules, searches) {
  let readings = readingsBy(rules, searches);
  return (text3, hidden = []) => {
    let cut = text3.includes("[REDACTED:") ? [...hidden, ...placeholders(text3)].toSorted((a, b2) => a.start - b2.start) : hidden, open = cut.length === 0 ? [{ start: 0, end: text3.length }] : gaps(0, text3.length, cut), found = [];
    for (let round = 0; round < MAX_ROUNDS && open.length > 0; round++) {
      let next = [];
      for (let gap of open) {
        let piece = gap.end - gap.start === text3.length ? text3 : text3.slice(gap.start, gap.end), here = readings(piece).map(({ start, end, rule }) => ({ start: start + gap.start, end: end + gap.start, rule }));
        for (let range of here) found.push(range);
        if (here.length > 0) for (let left of gaps(gap.start, gap.end, here)) next.push(left);
      }
      open = next;
    }
    return found.length < 2 ? found : found.toSorted((a, b2) => a.start - b2.start);
  };
}
var placeholders = (text3) => [...text3.matchAll(PLACEHOLDER)].map(({ 0: { length }, index }) => ({ start: index, end: index + length }));
function readingsBy(rules, searches) {
  let index = anchorIndex(rules), sticky = rules.map(({ pattern: pattern2 }) => new RegExp(pattern2.source, `${pattern2.flags}dy`)), searched = [...rules.entries()].flatMap(
    ([rule, { pattern: pattern2, anchors }]) => anchors === void 0 ? [{ rule, pattern: new RegExp(pattern2.source, `${pattern2.flags}dg`) }] : []
  ), reader = (text3) => {
    let found = [], doneTo = /* @__PURE__ */ new Map();
    return { found, tryAt: ({ at, anchor: anchor2 }) => {
      for (let rule of anchor2.rules) {
        let { lead = 0 } = rules[rule];
        if (at < lead || at < (doneTo.get(rule) ?? 0)) continue;
        let pattern2 = sticky[rule];
        pattern2.lastIndex = at - lead;
        let match = pattern2.exec(text3);
        match !== null && (doneTo.set(rule, pattern2.lastIndex), take(text3, rule, match, at, found));
      }
    } };
  }, take = (text3, rule, match, anchorAt, found) => {
    let [start, end] = match.indices.find((indices, group) => group > 0 && indices !== void 0) ?? match.indices[0], secret = text3.slice(start, end);
    end > start && (rules[rule].accepts?.({ secret, text: text3, at: start, anchorAt }) ?? !0) && found.push({ start, end, rule });
  }, search = (text3, found) => {
    for (let { rule, pattern: pattern2 } of searched) for (let match of text3.matchAll(pattern2)) take(text3, rule, match, match.index, found);
    for (let [number3, custom] of searches.entries())
      for (let range of custom(text3)) found.push({ ...range, rule: rules.length + number3 });
  };
  return (text3) => {
    let view = viewOf(text3), written = reader(text3);
    if (view === void 0) {
      for (let anchored of index.in(text3)) written.tryAt(anchored);
      return search(text3, written.found), merged2(written.found);
    }
    let read = reader(view.text), inText = view.letters.flatMap((letter) => index.at(text3, letter));
    for (let anchored of index.in(view.text)) {
      read.tryAt(anchored);
      let at = view.original({ start: anchored.at, end: anchored.at }).start;
      text3.startsWith(anchored.anchor.literal, at) && inText.push({ ...anchored, at });
    }
    for (let anchored of inText.toSorted((a, b2) => a.at - b2.at)) written.tryAt(anchored);
    search(text3, written.found), search(view.text, read.found);
    let back = read.found.map((range) => ({ ...view.original(range), rule: range.rule }));
    return merged2([...written.found, ...back].map((range) => betweenEscapes(text3, range)).filter(({ start, end }) => start < end));
  };
}
var betweenEscapes = (text3, { start, end, rule }) => ({
  start: isOddBackslash(text3, start - 1) ? start - 1 : start,
  end: isOddBackslash(text3, end - 1) ? end - 1 : end,
  rule
});
function isOddBackslash(text3, at) {
  let first = at;
  for (; first >= 0 && text3[first] === "\\"; ) first--;
  return (at - first) % 2 === 1;
}

// src/redact/pieces.ts
var MAX_ROUNDS2 = 8;
function findInPieces(find, texts, between) {
  let starts = [], length = 0;
  for (let text3 of texts)
    starts.push(length), length += text3.length + between.length;
  let whole3 = texts.join(between), ranges = [];
  for (let round = 0; round < MAX_ROUNDS2; round++) {
    let inWhole = find(whole3, ranges);
    ranges = merged2([...ranges, ...inWhole]);
    let inTexts = cutUp(ranges, texts, starts).flatMap(
      (cuts, index) => find(texts[index], cuts).map(({ start, end, rule }) => ({ start: start + starts[index], end: end + starts[index], rule }))
    );
    if (ranges = merged2([...ranges, ...inTexts]), inTexts.length === 0) break;
  }
  return cutUp(ranges, texts, starts);
}
function cutUp(ranges, texts, starts) {
  let next = 0, placed = -1;
  return texts.map((text3, index) => {
    let start = starts[index], end = start + text3.length, cuts = [];
    for (; next < ranges.length && ranges[next].end <= start; ) next++;
    for (let at = next; at < ranges.length && ranges[at].start < end; at++) {
      let range = ranges[at];
      cuts.push({
        start: Math.max(range.start - start, 0),
        end: Math.min(range.end - start, text3.length),
        rule: range.rule,
        continued: at <= placed
      }), placed = at;
    }
    return cuts;
  });
}

// src/redact/value.ts
function handled(value, hands) {
  let root2 = {}, tasks = [{ source: { value }, target: root2 }];
  for (let task = tasks.pop(); task !== void 0; task = tasks.pop())
    Array.isArray(task.source) ? copyList(task.source, task.target, tasks, hands) : copyEntries(task.source, task.target, task.given, tasks, hands);
  return root2.value;
}
function copyList(source, target, tasks, hands) {
  for (let from = 0; from < source.length; ) {
    let block = blockOf(source[from]), to = from + 1;
    if (typeof source[from] == "string") {
      for (; typeof source[to] == "string"; ) to++;
      let texts = source.slice(from, to);
      for (let text3 of hands.pieces(texts, `
`)) target.push(text3);
    } else if (block !== void 0) {
      let blocks = [block];
      for (let next = blockOf(source[to]); next?.kind === block.kind; next = blockOf(source[++to])) blocks.push(next);
      let texts = hands.pieces(
        blocks.map(({ text: text3 }) => text3),
        ""
      );
      for (let [index, { field: field2, item }] of blocks.entries()) target.push(copyOf(item, tasks, { [field2]: texts[index] }));
    } else target.push(copyOf(source[from], tasks));
    from = to;
  }
}
function copyEntries(source, target, given, tasks, hands) {
  let name = [source.name, source.key].find((text3) => typeof text3 == "string");
  for (let [key, value] of Object.entries(source)) {
    let copy = given?.[key] ?? (typeof value == "string" ? textUnder(key, value, name, hands) : copyOf(value, tasks));
    put(target, newKey(key, target, hands), copy);
  }
}
function textUnder(key, value, name, hands) {
  return ID_KEYS.has(key) && ID.test(value) ? value : hands.named(key === "value" && name !== void 0 ? name : key, value);
}
function copyOf(value, tasks, given) {
  if (typeof value != "object" || value === null) return value;
  let target = Array.isArray(value) ? [] : {};
  return tasks.push({ source: value, target, ...given !== void 0 && { given } }), target;
}
var SHORT_KEY = 16;
function newKey(key, target, hands) {
  if (key.length < SHORT_KEY) return key;
  let clean = hands.text(key);
  if (clean === key) return key;
  for (let number3 = 1; ; number3++) {
    let candidate = number3 === 1 ? clean : `${clean} (${number3})`;
    if (!Object.hasOwn(target, candidate)) return candidate;
  }
}
function put(target, key, value) {
  key === "__proto__" ? Object.defineProperty(target, key, { value, enumerable: !0, configurable: !0, writable: !0 }) : target[key] = value;
}
var ID_KEYS = /* @__PURE__ */ new Set([
  "id",
  "uuid",
  "parentUuid",
  "timestamp",
  "session_id",
  "sessionId",
  "message_id",
  "messageId",
  "request_id",
  "requestId",
  "tool_use_id",
  "toolUseId",
  "toolUseID",
  "tool_call_id",
  "toolCallId",
  "call_id",
  "agent_id",
  "agentId",
  "parent_tool_use_id"
]), ID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{6,40}|(?:toolu|srvtoolu|mcptoolu|msg|req|call|fc|rs|resp|chatcmpl|agent|run|task|item)[_-][\w-]{1,80}|\d{4}-\d\d-\d\dT[\d:.]{5,18}(?:Z|[+-]\d\d:\d\d)|\d{1,20})$/;
function blockOf(item) {
  if (typeof item != "object" || item === null) return;
  let { kind, type = kind, text: text3, content, thinking } = item;
  if (typeof type == "string")
    return typeof text3 == "string" ? { kind: type, field: "text", text: text3, item } : typeof content == "string" ? { kind: type, field: "content", text: content, item } : typeof thinking == "string" ? { kind: type, field: "thinking", text: thinking, item } : void 0;
}

// src/redact/redact.ts
var NOTHING = Object.freeze({}), TELLING = /key|token|secret|pass|pwd|cred|auth|cookie/i;
function createRedactor(rules, custom = []) {
  let all = [...rules, ...custom], searches = custom.map(({ search }) => search), find = finder(rules, searches);
  return {
    text: (text3) => {
      let tally = newTally(all);
      return { value: tally.cut(text3, find(text3)), counts: tally.counts() };
    },
    value: (value) => {
      let tally = newTally(all);
      return { value: handled(value, handsOf(find, tally)), counts: tally.counts() };
    },
    find: (text3) => find(text3).map(({ start, end, rule }) => ({ start, end, rule: all[rule].id }))
  };
}
function sumOfCounts(...all) {
  let sum2 = {};
  for (let counts of all) for (let [id, count] of Object.entries(counts)) sum2[id] = (sum2[id] ?? 0) + count;
  return sum2;
}
function handsOf(find, tally) {
  let text3 = (text4) => tally.cut(text4, find(text4));
  return {
    text: text3,
    pieces: (texts, between) => texts.length === 1 ? texts.map(text3) : findInPieces(find, texts, between).map((cuts, index) => tally.cut(texts[index], cuts)),
    named: (name, value) => {
      if (!TELLING.test(name)) return text3(value);
      let [, cuts] = findInPieces(find, [`"${name}": "`, value, '"'], "");
      return tally.cut(value, cuts.map(whole));
    }
  };
}
var whole = (cut) => ({ ...cut, continued: !1 });
function newTally(rules) {
  let counts = /* @__PURE__ */ new Map();
  return {
    cut: (text3, cuts) => {
      if (cuts.length === 0) return text3;
      let [result, from] = ["", 0];
      for (let { start, end, rule, continued = !1 } of cuts) {
        let { id, replacement = `[REDACTED:${id}]` } = rules[rule];
        continued || counts.set(id, (counts.get(id) ?? 0) + 1), result += text3.slice(from, start) + (continued ? "" : replacement), from = end;
      }
      return result + text3.slice(from);
    },
    counts: () => counts.size === 0 ? NOTHING : Object.fromEntries(counts)
  };
}

// src/redact/rule.ts
var HEX = "0-9a-f", ALNUM = "A-Za-z0-9", UPPER = "A-Z0-9", WORD = "A-Za-z0-9_", URLSAFE = "A-Za-z0-9_-", BASE64 = "A-Za-z0-9+/";

// src/redact/secrecy.ts
var NO_TOKENS = [/x{8}/i, /_{8}/, /(?:^|[-_. ])(?:your|example|placeholder|changeme|redacted)(?:$|[-_. ])/i, /[-_. ]here$/i], isPlaceholder = (token) => NO_TOKENS.some((placeholder) => placeholder.test(token)), TEMPLATES = [/^x+$/i, /\*{3}|\.{3}|…|•{3}/, /<[^<>]*>|\$\{|\$\(|\{\{|%\(|\[REDACTED/], TEMPLATE_WORDS = /(?:^|[-_. ])(?:my|some|dummy|insert|replace|enter|put)(?:$|[-_. ])/i, isTemplate = (value) => isPlaceholder(value) || TEMPLATES.some((template) => template.test(value)) || TEMPLATE_WORDS.test(value) && strangeness(value) < 0.4, REFERENCES = [
  /^(?:\$\{?[A-Za-z_]\w*\}?|\$env:\w+|%\w+%|%\w(?:[:@/]%\w)*|\{\w*\})$/,
  /^!(?:secret|Ref|Sub|GetAtt|env|env_var|vault|include|reference)$/,
  /^(?:[\w.]*\benv(?:iron)?|secrets?|vars?|config|settings|this|self|options|args|params|props|process|import\.meta)[.[(]/i,
  /^(?:op|vault|ssm|secretsmanager|keychain|file|https?|data|ref|gcp-secret|azure-keyvault)[:+]/i,
  /^(?:arn:|projects\/|ENC\[|AQICAH)/
], standsForAnother = (value) => isTemplate(value) || REFERENCES.some((reference) => reference.test(value)), STAND_INS = /^["'{]?(?:pass(?:wd|word|phrase)?|pwd?|secret|token|credentials?|hidden|masked|none|null|undefined|\w{1,3}|\*+|:|-+)["'}]?$/i, isStandIn = (password) => STAND_INS.test(password) || standsForAnother(password), USUAL_PAIRS = {
  a: "bcdgilmnprstuvy",
  b: "aeilorsu",
  c: "acehiklorstu",
  d: "adeilorsu",
  e: "abcdefgilmnpqrstvxy",
  f: "aefiloru",
  g: "aeghilnrsu",
  h: "aeiort",
  i: "abcdefglmnoprstvxz",
  j: "es",
  k: "eis",
  l: "adeilostuy",
  m: "abeimopu",
  n: "acdefgiklnostuv",
  o: "abcdfgiklmnoprstuvw",
  p: "aehiloprstu",
  q: "u",
  r: "acdefgikmnorstuvy",
  s: "acehilopstuy",
  t: "acehiloprstuy",
  u: "abcefgilmnprst",
  v: "aei",
  w: "aehinor",
  x: "ept",
  y: "p",
  z: "e"
};
function strangeness(text3) {
  let strange = 0, pairs = 0;
  for (let at = 1; at < text3.length; at++) {
    let before = text3.charCodeAt(at - 1), here = text3.charCodeAt(at);
    if (isLetter(before) && isLetter(here)) {
      if (isLower(before) && !isLower(here) && isLower(text3.charCodeAt(at + 1)) && isLower(text3.charCodeAt(at - 2))) continue;
      pairs++, (!USUAL_PAIRS[text3[at - 1].toLowerCase()].includes(text3[at].toLowerCase()) || isLower(before) && !isLower(here)) && strange++;
    } else (isLetter(before) && isDigit(here) || isDigit(before) && isLetter(here)) && (pairs++, strange++);
  }
  return pairs === 0 ? 0 : strange / pairs;
}
var isLower = (code2) => code2 >= 97 && code2 <= 122, isLetter = (code2) => isLower(code2 | 32) && code2 < 128, isDigit = (code2) => code2 >= 48 && code2 <= 57;
function entropy(text3) {
  let counts = /* @__PURE__ */ new Map();
  for (let character of text3) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits - count / text3.length * Math.log2(count / text3.length), 0);
}
function fromBase64(text3, maxCharacters = 4096) {
  let digits = text3.slice(0, maxCharacters).replace(/[^A-Za-z0-9+/_-]/g, "").replaceAll("-", "+").replaceAll("_", "/");
  return atob(digits.slice(0, digits.length - digits.length % 4));
}

// src/redact/shape.ts
var run = (characters, min, max = min) => ({ characters, min, max }), orMore = (characters, min) => ({ characters, min, max: void 0 });
function shaped({ id, description, shape, or = [], notAfter }) {
  let shapes = [shape, ...or], before = notAfter === void 0 ? "" : `(?<![${notAfter}])`;
  return {
    id,
    pack: "credentials",
    description,
    anchors: shapes.flatMap(([start]) => start),
    pattern: new RegExp(`${before}(?:${shapes.map((pieces) => pieces.map(sourceOf).join("")).join("|")})`),
    accepts: ({ secret }) => !isPlaceholder(secret),
    hides: (draw) => shapes.flatMap((pieces) => startsOf(pieces).map((first) => [first, ...pieces.slice(1)].map(drawn(draw)).join(""))),
    keeps: () => shapes.flatMap(([start]) => [start].flat().flatMap((first) => [first, `${first}\u2026`, `${first}$TOKEN`, `${first}xxxxxxxx`]))
  };
}
var startsOf = ([start]) => Array.isArray(start) ? start : [start];
function sourceOf(piece) {
  return typeof piece == "string" ? escaped(piece) : "characters" in piece ? `[${piece.characters}]{${piece.min}${piece.max === piece.min ? "" : `,${piece.max ?? ""}`}}` : `(?:${piece.map(escaped).join("|")})`;
}
var drawn = (draw) => (piece) => typeof piece == "string" ? piece : "characters" in piece ? draw(piece.characters, piece.min) : piece[0], escaped = (literal) => literal.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

// src/redact/rules/ai.ts
var ai = [
  shaped({
    id: "anthropic-key",
    description: "Anthropic API key, admin key, OAuth token or session key",
    shape: ["sk-ant-", ["api03", "admin01", "oat01", "ort01", "sid01", "sid02"], "-", orMore(URLSAFE, 20)],
    or: [["sk-ant-", orMore(URLSAFE, 40)]]
  }),
  shaped({
    id: "openai-key",
    description: "OpenAI key: project, service account, admin or classic; and those of the providers that copied its shape",
    shape: [["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"], orMore(URLSAFE, 40)],
    or: [
      ["sk-or-v1-", orMore(HEX, 64)],
      ["sk-lf-", run(HEX, 8), "-", run(HEX, 4), "-", run(HEX, 4), "-", run(HEX, 4), "-", run(HEX, 12)],
      ["sk-", orMore(ALNUM, 32)]
    ],
    notAfter: "A-Za-z0-9"
  }),
  shaped({ id: "hugging-face-token", description: "Hugging Face token", shape: [["hf_", "api_org_"], orMore(ALNUM, 34)], notAfter: ALNUM }),
  shaped({ id: "groq-key", description: "Groq API key", shape: ["gsk_", orMore(ALNUM, 40)], notAfter: ALNUM }),
  shaped({ id: "xai-key", description: "API key of xAI", shape: ["xai-", orMore(ALNUM, 60)], notAfter: ALNUM }),
  shaped({ id: "perplexity-key", description: "Perplexity API key", shape: ["pplx-", orMore(ALNUM, 40)], notAfter: ALNUM }),
  shaped({ id: "replicate-token", description: "Replicate API token", shape: ["r8_", orMore(ALNUM, 37)], notAfter: ALNUM }),
  shaped({ id: "nvidia-key", description: "NVIDIA API key", shape: ["nvapi-", orMore(URLSAFE, 60)], notAfter: ALNUM }),
  shaped({
    id: "langsmith-key",
    description: "LangSmith API key",
    shape: [["lsv2_pt_", "lsv2_sk_"], run(HEX, 32), "_", orMore(HEX, 10)]
  }),
  shaped({
    id: "tavily-key",
    description: "Tavily API key",
    shape: [["tvly-dev-", "tvly-prod-", "tvly-"], orMore(URLSAFE, 30)],
    notAfter: ALNUM
  }),
  shaped({ id: "e2b-key", description: "E2B API key", shape: ["e2b_", orMore(HEX, 40)], notAfter: ALNUM }),
  shaped({ id: "firecrawl-key", description: "Firecrawl API key", shape: ["fc-", orMore(HEX, 32)], notAfter: WORD })
];

// src/redact/rules/assignments.ts
var KEYWORD = /^(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|key|credentials?|auth)/i, SUFFIX = "(?:[_-]?(?:base64|base|b64|value|data|text|\\d{1,2}))?", QUOTES = "\"'`", BARE = `[^\\s${QUOTES}<>(){}\\[\\],;&|\\\\]`, LINE_START = "(?:^|[\\n\\r])[ \\t\\d\u2192|>+-]{0,16}", QUOTED = [...QUOTES].map((quote) => `[bBrRfFuU]?${quote}((?:[^${quote}\\\\\\s]|\\\\\\S){4,})${quote}`).join("|"), PATTERN2 = new RegExp(
  [
    `(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|key|credentials?|auth)${SUFFIX}`,
    "(?:",
    [
      // A line of its own, as in .env files, where a value goes on up to the end of the line.
      `=(?<=${LINE_START}(?:(?:export|declare -x|typeset -x|set|ENV|ARG) |\\$env:)?[\\w.-]{1,64}=)(?!\\S*&[\\w.-]+=)((?![$(<{\\[])(?:[^\\s${QUOTES}\\\\]|\\\\(?![${QUOTES}/nrtbfux])){4,})(?=[ \\t]*(?:[\\n\\r#]|$))`,
      // name = value, "name": "value", name := value, name: string = value, name == value, is
      `[${QUOTES}\\]]{0,2}(?:[ \\t]{0,8}(?::[ \\t]{0,2}[A-Za-z]{1,20}[ \\t]{0,2}=|=>|:=|={1,3}|:)[ \\t]{0,8})(?:${QUOTED}|(${BARE}{4,})(?!${BARE}|[(\\[{${QUOTES}]))`,
      // the name is value.
      `[${QUOTES}]? is:?[ \\t]{1,2}(?:${QUOTED}|(${BARE}{7,}[\\w=+/~-])(?![(\\[{${QUOTES}]))`,
      // set("name", "value")
      `[${QUOTES}],(?<=[${QUOTES}][\\w.-]{1,64}[${QUOTES}],)[ \\t]{0,2}(?:${QUOTED})`,
      // --name value, ENV name value
      `[ \\t]{1,4}(?<=(?:--[\\w-]{1,48}|\\b(?:ENV|setx|setenv|set -x|set -gx)[ \\t]{1,4}\\w{1,60})[ \\t]{1,4})(?:${QUOTED}|(${BARE}{4,})(?!${BARE}|[(\\[{${QUOTES}]))`,
      // <name>value</name>
      `>(?<=<[\\w:.-]{1,48}>)([^\\s<>${QUOTES}]{4,})<\\/`
    ].join("|"),
    ")"
  ].join(""),
  "i"
), SECRET_WORDS = new Set(
  "access account admin anthropic api app application auth aws azure bearer bot ci client consumer csrf datadog dd deploy encryption gh github gitlab hf hmac id job jwt licence license management master npm oauth openai personal private project publish read refresh registry root runner secret secure security sentry service session shared signing slack ssh storage stripe subscription upload user vault webhook write".split(" ")
), OTHER_WORDS = new Set(
  "anon cache continuation cursor dedupe foreign group hash hot i18n idempotency index map next object page partition primary pub public publishable row search shortcut sort sync translation".split(" ")
);
function kindOf({ text: text3, at, anchorAt }) {
  let keyword = KEYWORD.exec(text3.slice(anchorAt, anchorAt + 12))[0], before = /[\w.-]{0,40} ?$/.exec(text3.slice(Math.max(0, anchorAt - 41), anchorAt))[0], word2 = (/(?:[A-Z]?[a-z0-9]+|[A-Z0-9]+)(?=[-_. ]?$)/.exec(before)?.[0] ?? "").toLowerCase(), env = /^[A-Z]+$/.test(keyword) && /(?:^|[^A-Za-z])[A-Z0-9_]*_$/.test(before);
  switch (keyword.toLowerCase()) {
    case "pass":
    case "pwd":
      return /[A-Za-z]$/.test(before) || keyword === "PWD" && !env ? void 0 : "password";
    case "password":
    case "passwd":
    case "passphrase":
    case "passcode":
      return "password";
    case "secret":
      return "secret";
    case "credential":
    case "credentials":
    case "auth":
      return env || before.endsWith("_") ? "secret" : "weak";
    case "key":
      return OTHER_WORDS.has(word2) ? void 0 : SECRET_WORDS.has(word2) ? "secret" : env ? /=["'`]?$/.test(text3.slice(at - 2, at)) ? "secret" : "weak" : void 0;
    default:
      return OTHER_WORDS.has(word2) ? void 0 : env || SECRET_WORDS.has(word2) ? "secret" : "weak";
  }
}
function isSecret(found) {
  let value = found.secret.replace(/[.,:;!?]+$/, ""), kind = kindOf(found);
  if (kind === void 0 || standsForAnother(value) || isUrl(value)) return !1;
  let quoted = QUOTES.includes(found.text[found.at - 1] ?? " ");
  return isNumber(value) || isRepeated(value) || !quoted && isMember(value) ? !1 : kind === "password" ? isPassword(value, quoted) : isUuid(value) ? kind === "secret" : (value.match(/[A-Za-z]/g) ?? []).length < 3 ? !1 : kind === "secret" ? value.length >= 8 && strangeness(value) >= (value.length < 16 && !/\d/.test(value) ? 0.5 : 0.3) : value.length >= 16 && /\d/.test(value) && strangeness(value) >= 0.45;
}
function isPassword(value, quoted) {
  if (/^(?:true|false|string)$/i.test(value) || isStandIn(value)) return !1;
  if (value.length >= 8 && strangeness(value) >= 0.4) return !0;
  let isMixed = /\d/.test(value) && /[A-Za-z]/.test(value);
  return /[!@#$%^&*+~=?]/.test(value) && /[A-Za-z0-9]/.test(value) || isMixed && (quoted || strangeness(value) > 0) && !/[.[\]()]/.test(value);
}
var isUrl = (value) => /^[a-z][a-z0-9+.-]*:\/\//i.test(value), isNumber = (value) => /^(?:0x[0-9a-f]{1,16}|[\d._+-]+)$/i.test(value), isRepeated = (value) => /^(.)\1*$/.test(value), isMember = (value) => /^[A-Za-z_$][\w$]*!?(?:(?:\?\.|\.|::|->)[A-Za-z_$][\w$]*!?)+$/.test(value) && strangeness(value) < 0.4, isUuid = (value) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value), cases = (word2) => [word2, `${word2[0].toUpperCase()}${word2.slice(1)}`, word2.toUpperCase()], assignments = [
  {
    id: "netrc-password",
    pack: "credentials",
    description: "Password in a .netrc",
    anchors: ["password "],
    pattern: /(?<=\b(?:machine\s{1,4}\S{1,200}|default)\s{1,4}login\s{1,4}\S{1,100}\s{1,4})password\s{1,4}["']?([^\s"'\\]{1,256})/,
    accepts: ({ secret }) => !isStandIn(secret),
    hides: (draw) => [["machine api.example.com login me password ", draw(ALNUM, 12), `
`]],
    keeps: () => ["containing login and password for each machine", "machine h login me password <password>"]
  },
  {
    id: "secret-value",
    pack: "credentials",
    description: "Value under a name such as API_KEY, password, client_secret, access token",
    anchors: ["key", "token", "secret", "pass", "pwd", "credential", "auth"].flatMap(cases),
    pattern: PATTERN2,
    accepts: isSecret,
    hides: (draw) => [
      ["export PAYMENTS_API_KEY=", draw(ALNUM, 24)],
      [`NODE_ENV=production
DB_PASSWORD=`, `${draw(ALNUM, 5)}7!=(${draw(ALNUM, 3)}`, `
PORT=3000`],
      ['+SESSION_SECRET="', draw(URLSAFE, 43), '"'],
      ['{"api_key": "', draw(ALNUM, 32), '", "model": "x"}'],
      ['{\\"client_secret\\":\\"', draw(ALNUM, 40), '\\"}'],
      ['const apiKey: string = "', draw(HEX, 32), '";'],
      [`      - name: x
        password: `, `${draw("a-z", 5)}9${draw("a-z", 2)}!`, `
`],
      ["Server=db;User Id=sa;Password=", `${draw(ALNUM, 9)}1`, ";Encrypt=true"],
      ["tool --auth-token ", draw(ALNUM, 32), " --verbose"],
      ["ENV SIGNING_KEY ", draw(BASE64, 44), `
`],
      ['client.set("x-api-key", "', draw(ALNUM, 28), '")'],
      ["<password>", `${draw("a-z", 6)}4x`, "</password>"],
      ["?access_token=", draw(ALNUM, 30), "&page=2"],
      ["//registry.npmjs.org/:_authToken=", `${draw(HEX, 8)}-${draw(HEX, 4)}-${draw(HEX, 4)}-${draw(HEX, 4)}-${draw(HEX, 12)}`],
      ["The API key is ", draw(ALNUM, 24), "."],
      ['"auth": "', btoa(`me:${draw(ALNUM, 20)}`), '"']
    ],
    keeps: (draw) => [
      "API_KEY=<your-api-key>",
      "export API_KEY=$OTHER",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what workflows say
      "api_key: ${{ secrets.API_KEY }}",
      "const apiKey = process.env.API_KEY;",
      "apiKey: string;",
      "password: z.string().min(8)",
      "const token = await getAccessToken(options1);",
      "password = form.password2",
      "secret: xxxxxxxxxxxx",
      "API_KEY=your-api-key-here",
      "if (token === SyntaxKind.OpenBraceToken) {",
      `"key": "${draw(HEX, 32)}"`,
      `cacheKey: "${draw(HEX, 40)}"`,
      `"commit": "${draw(HEX, 40)}"`,
      `"integrity": "sha512-${draw(BASE64, 86)}=="`,
      `"id": "${draw(HEX, 8)}-${draw(HEX, 4)}-${draw(HEX, 4)}-${draw(HEX, 4)}-${draw(HEX, 12)}"`,
      "-----BEGIN PUBLIC KEY-----",
      'publicKey: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"',
      "max_tokens: 4096",
      "Next page token: eav1OzQB0OM8rLdGXOEsyQWSG",
      "'gss_krb5_lucid_key', 'gss_krb5_rfc1964_keydata'",
      "CLOUD_CREDENTIALS: T1098.001",
      'user_pass = "%s:%s"',
      "PWD=/home/me/work-2",
      '"password": "Passwort"',
      "secretName: my-app-tls",
      "--password-file /run/secrets/db2"
    ]
  }
];

// src/redact/rules/cloud.ts
var AWS_ID = ["AKIA", "ASIA", "ABIA", "ACCA"], awsId = `(?<![A-Z0-9])(?:${AWS_ID.join("|")})[A-Z0-9]{16}(?![A-Z0-9])`, cloud = [
  {
    id: "aws-secret-access-key",
    pack: "credentials",
    description: "AWS secret access key, by its name or beside its id",
    anchors: [
      ...AWS_ID,
      "ecretAccessKey",
      "ecret_access_key",
      "ECRET_ACCESS_KEY",
      "ecret access key",
      "ecret Access Key",
      "ecret-access-key"
    ],
    pattern: new RegExp(
      `(?:${awsId}[^A-Za-z0-9+/\\n]{1,16}\\n?\\s?|[Ee][Cc][Rr][Ee][Tt][ _-]?[Aa][Cc]{2}[Ee][Ss]{2}[ _-]?[Kk][Ee][Yy][^A-Za-z0-9+/\\n]{0,4}(?:\\[[^\\]\\n]{0,60}\\])?[^A-Za-z0-9+/\\n]{1,16})([${BASE64}]{40})(?![${BASE64}=])`
    ),
    accepts: ({ secret }) => !isPlaceholder(secret),
    hides: (draw) => [
      ["aws_secret_access_key = ", draw(BASE64, 40), `
region = eu-west-1`],
      ['{"SecretAccessKey": "', draw(BASE64, 40), '"}'],
      ["export AWS_SECRET_ACCESS_KEY=", draw(BASE64, 40)],
      ["AWS Secret Access Key [None]: ", draw(BASE64, 40)]
    ],
    keeps: (draw) => [
      "aws_secret_access_key = <your secret>",
      `commit ${draw(HEX, 40)}`,
      "const secretAccessKey = credentials.secretAccessKey"
    ]
  },
  {
    id: "aws-access-key-id",
    pack: "credentials",
    description: "AWS access key id, of a user or temporary",
    anchors: AWS_ID,
    pattern: new RegExp(awsId),
    hides: (draw) => AWS_ID.map((start) => `${start}${draw(UPPER, 16)}`),
    keeps: (draw) => ["AKIA", `M${AWS_ID[0]}${draw(UPPER, 16)}`, `${AWS_ID[0]}${draw(UPPER, 24)}`, "ASIAN_PACIFIC"]
  },
  shaped({ id: "google-api-key", description: "Google API key", shape: ["AIza", orMore(URLSAFE, 35)] }),
  shaped({
    id: "google-oauth",
    description: "Google OAuth client secret, access or refresh token",
    shape: ["GOCSPX-", orMore(URLSAFE, 24)],
    or: [
      ["ya29.", orMore(URLSAFE, 20)],
      ["1//0", orMore(URLSAFE, 40)]
    ],
    notAfter: ALNUM
  }),
  {
    id: "azure-key",
    pack: "credentials",
    description: "Azure key with its mark inside: client secret, storage, OpenAI, DevOps",
    anchors: ["7Q~", "8Q~", "9Q~"],
    lead: 3,
    pattern: /(?<![\w~.-])[\w~.-]{3}[789]Q~[\w~.-]{31,34}(?![\w~.-])/,
    hides: (draw) => [`${draw(ALNUM, 3)}8Q~${draw(ALNUM, 34)}`],
    keeps: () => ["x8Q~", "7Q~"]
  },
  {
    id: "azure-openai-key",
    pack: "credentials",
    description: "Azure OpenAI, AI services or DevOps key",
    anchors: ["JQQJ99"],
    lead: 52,
    pattern: /(?<![A-Za-z0-9])[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{20,}/,
    hides: (draw) => [`${draw(ALNUM, 52)}JQQJ99${draw(ALNUM, 26)}`],
    keeps: () => ["JQQJ99"]
  },
  {
    id: "azure-connection",
    pack: "credentials",
    description: "Key in a connection string of Azure: storage, Service Bus, Event Hubs, Cosmos DB, IoT",
    anchors: ["AccountKey=", "SharedAccessKey=", "sharedAccessKey="],
    pattern: new RegExp(`(?:Account|[Ss]haredAccess)Key=([${BASE64}%]{20,}={0,2})`),
    accepts: ({ secret }) => !isPlaceholder(secret),
    hides: (draw) => [
      ["DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=", `${draw(BASE64, 86)}==`, ";EndpointSuffix=core.windows.net"],
      ["Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=", `${draw(BASE64, 43)}=`]
    ],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
    keeps: () => ["AccountKey=<account-key>;", "AccountKey=${key};", "SharedAccessKey=..."]
  },
  shaped({
    id: "databricks-token",
    description: "Databricks token",
    shape: [["dapi", "dose", "dkea", "dsp"], orMore(HEX, 32)],
    notAfter: ALNUM
  }),
  shaped({ id: "digitalocean-token", description: "DigitalOcean token", shape: [["dop_v1_", "doo_v1_", "dor_v1_"], orMore(HEX, 64)] }),
  shaped({
    id: "vault-token",
    description: "HashiCorp Vault token",
    shape: [["hvs.", "hvb.", "hvr."], orMore(URLSAFE, 24)],
    notAfter: ALNUM
  }),
  {
    id: "terraform-token",
    pack: "credentials",
    description: "HCP Terraform API token",
    anchors: [".atlasv1."],
    lead: 14,
    pattern: /[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}/,
    hides: (draw) => [`${draw(ALNUM, 14)}.atlasv1.${draw(URLSAFE, 67)}`],
    keeps: () => ["x.atlasv1.y"]
  },
  shaped({
    id: "doppler-token",
    description: "Doppler token",
    shape: [["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."], orMore(`.${URLSAFE}`, 40)],
    notAfter: ALNUM
  }),
  shaped({ id: "onepassword-token", description: "1Password service account token", shape: ["ops_ey", orMore(`${BASE64}=_-`, 100)] }),
  shaped({ id: "alibaba-key", description: "Alibaba Cloud access key id", shape: ["LTAI", run(ALNUM, 12, 24)], notAfter: ALNUM }),
  shaped({
    id: "supabase-key",
    description: "Supabase access token or secret key",
    shape: ["sbp_", orMore(HEX, 40)],
    or: [["sb_secret_", orMore(URLSAFE, 20)]]
  }),
  shaped({
    id: "planetscale-key",
    description: "PlanetScale token or password",
    shape: [["pscale_tkn_", "pscale_pw_", "pscale_oauth_"], orMore(`.${URLSAFE}`, 32)]
  }),
  shaped({
    id: "tailscale-key",
    description: "Tailscale key",
    shape: [["tskey-auth-", "tskey-api-", "tskey-client-", "tskey-"], orMore(URLSAFE, 20)]
  }),
  shaped({
    id: "grafana-token",
    description: "Grafana service account or Cloud token",
    shape: ["glsa_", run(ALNUM, 32), "_", orMore(HEX, 8)],
    or: [["glc_", orMore(`${BASE64}=`, 32)]],
    notAfter: ALNUM
  }),
  shaped({
    id: "cloudflare-token",
    description: "Cloudflare token, new form; origin CA key",
    shape: ["v1.0-", run(HEX, 24), "-", orMore(HEX, 146)],
    or: [[["cfut_", "cfat_", "cfk_"], orMore(ALNUM, 40)]],
    notAfter: ALNUM
  }),
  shaped({
    id: "dynatrace-token",
    description: "Dynatrace API token",
    shape: [["dt0c01.", "dt0s01.", "dt0s16."], run(UPPER, 24), ".", orMore(UPPER, 64)]
  })
];

// src/redact/rules/code.ts
var code = [
  shaped({
    id: "github-token",
    description: "GitHub token: classic, fine-grained, app, OAuth, refresh",
    shape: [["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], orMore(WORD, 36)],
    // A fine-grained one as documented; it may be longer.
    or: [["github_pat_", orMore(WORD, 36)]]
  }),
  shaped({
    id: "gitlab-token",
    description: "GitLab token: personal, deploy, runner, CI job, trigger, feed, agent, OAuth, SCIM",
    shape: [
      ["glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-"],
      orMore(`.${URLSAFE}`, 20)
    ],
    or: [["GR1348941", orMore(URLSAFE, 20)]]
  }),
  shaped({
    id: "bitbucket-token",
    description: "Bitbucket app password or access token",
    shape: [["ATBB", "ATCTT3"], orMore(`=${URLSAFE}`, 28)],
    notAfter: ALNUM
  }),
  shaped({ id: "npm-token", description: "npm access token", shape: ["npm_", orMore(ALNUM, 36)] }),
  shaped({ id: "pypi-token", description: "PyPI API token", shape: ["pypi-", orMore(URLSAFE, 80)] }),
  shaped({ id: "rubygems-key", description: "RubyGems API key", shape: ["rubygems_", orMore(HEX, 48)] }),
  shaped({ id: "crates-token", description: "crates.io API token", shape: ["cio", run(ALNUM, 32)], notAfter: WORD }),
  shaped({ id: "nuget-key", description: "NuGet API key", shape: ["oy2", run("a-z0-9", 43)], notAfter: WORD }),
  shaped({ id: "docker-token", description: "Docker access token", shape: [["dckr_pat_", "dckr_oat_"], orMore(URLSAFE, 27)] }),
  shaped({
    id: "vercel-token",
    description: "Vercel token",
    shape: [["vcp_", "vci_", "vca_", "vcr_", "vck_"], orMore(ALNUM, 24)],
    notAfter: ALNUM
  }),
  shaped({
    id: "netlify-token",
    description: "Netlify personal access token",
    shape: [["nfp_", "nfc_", "nfo_", "nfb_"], orMore(ALNUM, 36)],
    notAfter: ALNUM
  }),
  shaped({
    id: "fly-token",
    description: "Fly.io access token",
    shape: [["fo1_", "fm1r_", "fm1a_", "fm2_"], orMore("A-Za-z0-9+/=_,-", 40)],
    notAfter: ALNUM
  }),
  shaped({ id: "circleci-token", description: "CircleCI personal or project token", shape: [["CCIPAT_", "CCIPRJ_"], orMore(WORD, 40)] }),
  shaped({
    id: "buildkite-token",
    description: "Buildkite token",
    shape: [["bkua_", "bkct_", "bkat_"], orMore(ALNUM, 40)],
    notAfter: ALNUM
  }),
  shaped({ id: "sonar-token", description: "SonarQube token", shape: [["squ_", "sqp_", "sqa_"], orMore(HEX, 40)], notAfter: ALNUM }),
  shaped({ id: "snyk-token", description: "Snyk token", shape: [["snyk_uat.", "snyk_sat."], orMore(`.${URLSAFE}`, 40)] }),
  shaped({ id: "pulumi-token", description: "Pulumi access token", shape: ["pul-", orMore(HEX, 40)], notAfter: ALNUM }),
  shaped({ id: "postman-key", description: "Postman API key", shape: ["PMAK-", run(HEX, 24), "-", orMore(HEX, 34)] }),
  shaped({
    id: "figma-token",
    description: "Figma personal access token",
    shape: [["figd_", "figo_"], orMore(URLSAFE, 40)],
    notAfter: ALNUM
  }),
  shaped({
    id: "linear-key",
    description: "Linear API key or OAuth token",
    shape: [["lin_api_", "lin_oauth_", "lin_wh_"], orMore(ALNUM, 32)]
  }),
  shaped({
    id: "atlassian-token",
    description: "Atlassian API token",
    shape: ["ATATT3", orMore(`=${URLSAFE}`, 60)]
  })
];

// src/redact/rules/entropy.ts
var MIN_BITS = 3.7, entropyRules = [
  {
    id: "entropy",
    pack: "entropy",
    description: "Anything of 24 characters and more that looks random; digests and ids of hex stay",
    pattern: /(?<![\w+/=-])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w+/=-])/,
    accepts: ({ secret, text: text3, at }) => !/^[0-9a-f-]+$/i.test(secret) && !isPlaceholder(secret) && !/(?:sha\d+-|base64,)$/.test(text3.slice(Math.max(0, at - 8), at)) && !/^sha\d+-/.test(secret) && secret.length <= 512 && /\d/.test(secret) && strangeness(secret) >= 0.5 && entropy(secret) >= MIN_BITS,
    hides: (draw) => [`${draw(ALNUM, 30)}7`, ["x = ", `${draw(ALNUM, 40)}9`, ";"]],
    keeps: (draw) => [
      draw(HEX, 40),
      `sha512-${draw(ALNUM, 86)}==`,
      "aVeryLongIdentifierThatSomebodyHasWritten",
      "src/components/navigation/Header2.tsx"
    ]
  }
];

// src/redact/rules/headers.ts
var IS = "[\"'`\\]]{0,2}[ \\t]{0,4}(?::|=>|=|,)[ \\t]{0,4}[\"'`]?[ \\t]?", SCHEMES = "Bearer|Basic|Token|ApiKey|Api-Key|Bot|Splunk|GenieKey|SSWS|Negotiate|Key|Apikey", isCredential = (secret) => !standsForAnother(secret) && (strangeness(secret) >= 0.3 || secret.length >= 8 && isPairInBase64(secret)), isPairInBase64 = (secret) => /^[\x20-\x7e]*[^\s:]:[\x20-\x7e]+$/.test(fromBase64(secret)), headers = [
  {
    id: "authorization",
    pack: "credentials",
    description: "Value of an Authorization header, or what follows Bearer",
    anchors: ["uthorization", "UTHORIZATION", "earer ", "EARER "],
    pattern: new RegExp(
      `uthorization${IS}(?:(?:${SCHEMES})[ \\t]{1,4})?([\\w.~+/:=-]{7,}[\\w~+/=-])(?![\\w(\\[{$])|(?<=\\b[Bb])earer[ \\t]{1,4}([\\w.~+/:-]{15,}[\\w~+/-]={0,2})(?![\\w(\\[{$])`,
      "i"
    ),
    // Without a scheme it could be any word.
    accepts: ({ secret, text: text3, at }) => isCredential(secret) && (secret.length >= 16 || /[A-Za-z][ \t]$/.test(text3.slice(at - 2, at))),
    hides: (draw) => [
      ["Authorization: Bearer ", draw(URLSAFE, 40), `\r
Accept: */*`],
      ["curl -H 'authorization: Basic ", btoa(`me:${draw(ALNUM, 12)}`), "' https://api.example.com"],
      ['{"Authorization": "token ', draw(HEX, 40), '"}'],
      ['{\\"authorization\\":\\"Bearer ', draw(ALNUM, 32), '\\"}'],
      ['headers.set("Authorization", "', draw(ALNUM, 24), '")'],
      ['--header "Proxy-Authorization: Bearer ', draw(ALNUM, 24), '"'],
      ["send it as bearer ", draw(ALNUM, 32), "."]
    ],
    keeps: () => [
      "Authorization: Bearer $TOKEN",
      "Authorization: Bearer <token>",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
      "headers: { Authorization: `Bearer ${token}` }",
      "Authorization: Bearer your-api-key",
      "authorization: options.authorization",
      "Authorization: Bearer ...",
      "the bearer authentication scheme",
      "('Binary Authorization', 'k8s_util'),",
      "authorization: string | undefined;"
    ]
  },
  {
    id: "cookie",
    pack: "credentials",
    description: "Value of a Cookie or Set-Cookie header that holds something random",
    anchors: ["ookie", "OOKIE"],
    pattern: new RegExp(
      `ookies?2?${IS}([^\\s;="'\`<>{}()\\\\,]{1,128}=[^\\s;"'\`\\\\]{0,4096}(?:;[ \\t]?[^\\s;="'\`<>{}()\\\\,]{1,128}=[^\\s;"'\`\\\\]{0,4096}){0,200})`,
      "i"
    ),
    accepts: ({ secret }) => secret.split(/;\s?/).some((pair) => {
      let value = pair.slice(pair.indexOf("=") + 1);
      return value.length >= 12 && !standsForAnother(value) && strangeness(value) >= 0.3;
    }),
    hides: (draw) => [
      ["Cookie: ", `theme=dark; sessionid=${draw(ALNUM, 32)}`, `\r
`],
      ["Set-Cookie: ", `connect.sid=s%3A${draw(ALNUM, 32)}.${draw(ALNUM, 40)}`, "; HttpOnly"],
      ["curl -H 'cookie: ", `_gh_sess=${draw(`${BASE64}%`, 60)}`, "'"],
      ['{"Cookie": "', `a=1; auth=${draw(HEX, 32)}`, '"}']
    ],
    keeps: () => [
      "Cookie: theme=dark; lang=en",
      "Set-Cookie: session=<value>; Path=/",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
      "cookie: `session=${id}`",
      "cookie = serialize(name, value)",
      "const cookies = parse(header)"
    ]
  },
  {
    id: "command-password",
    pack: "credentials",
    description: "Password given to curl, wget, mysql, sshpass or docker login",
    anchors: ["curl ", "mysql", "sshpass ", "docker login ", "wget ", "redis-cli "],
    pattern: new RegExp(
      [
        `curl [^\\n]{0,300}?(?<=\\s)(?:-u|--user|--proxy-user|-U)(?:[ =]|(?<=-u))["']?[^\\s:"'$]{1,128}:([^\\s"'\`\\\\]{1,256})`,
        `curl [^\\n]{0,300}?(?<=\\s)(?:-b|--cookie)[ =]["']?([^\\s"'\`\\\\=]{1,64}=[^\\s"'\`\\\\]{12,4096})`,
        `(?:mysql(?:dump|admin|import)? [^\\n|;]{0,200}?(?<=\\s)-p|sshpass -p ?|docker login [^\\n|;]{0,200}?(?<=\\s)-p[ =]?|redis-cli [^\\n|;]{0,200}?(?<=\\s)-a )["']?([^\\s"'\`\\\\]{4,256})`,
        `wget [^\\n]{0,300}?--(?:http-|ftp-|proxy-)?password[ =]["']?([^\\s"'\`\\\\]{1,256})`
      ].join("|")
    ),
    accepts: ({ secret }) => !isStandIn(secret) && !/^(?:PASS\w*|[$-].*|[\d:.]+)$/.test(secret),
    hides: (draw) => [
      ["curl -s -u admin:", draw(ALNUM, 10), " https://example.com"],
      ["mysql -h db -u root -p", draw(ALNUM, 10), " shop"],
      ["sshpass -p '", draw(ALNUM, 10), "' ssh host"],
      ["curl -b ", `session=${draw(ALNUM, 32)}`, " https://x.example"]
    ],
    keeps: () => [
      "curl -u $USER:$PASS https://example.com",
      "mysql -u root -p shop",
      "curl -u user:password https://example.com",
      "docker run -u 1000:1000 image",
      "mysql --port 3306"
    ]
  }
];

// src/redact/rules/keys.ts
var BETWEEN = `[\\s\\\\nrt"'+,\u2192|>:0-9]{1,24}?`, LINE = `[${BASE64}=]{16,}`, LINES = `(?:${BETWEEN}${LINE})`, keys = [
  {
    id: "private-key",
    pack: "credentials",
    description: "Private key: PEM, OpenSSH, PGP, PuTTY; whole or cut off",
    anchors: ["-----BEGIN ", "-----END ", "b3BlbnNzaC1rZXktdjE", "Private-Lines: "],
    pattern: new RegExp(
      [
        // Anything but another mark, up to the end; or as many lines as there are.
        `-----BEGIN (?:[A-Z0-9]{2,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?:[^-]|-(?!----)){16,}-----END [A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)?-----|${LINES}+)`,
        `(?<=((?:${LINE}[\\s\\\\nrt"'+,\u2192|>:0-9]{1,24}){1,200}))-----END (?:[A-Z0-9]{2,20} ){0,3}PRIVATE KEY`,
        `b3BlbnNzaC1rZXktdjE[${BASE64}=]{20,}${LINES}*`,
        `Private-Lines: \\d+(${LINES}+)`
      ].join("|")
    ),
    accepts: ({ secret }) => /[A-Za-z0-9+/=]{16}/.test(secret.replace(/-----[^-]*-----/g, "")) && !/x{8}|\.{3}|…/i.test(secret),
    hides: (draw) => [
      pem(draw, "RSA PRIVATE KEY", `
`),
      pem(draw, "PRIVATE KEY", "\\n"),
      pem(draw, "ENCRYPTED PRIVATE KEY", `\r
`),
      pem(draw, "OPENSSH PRIVATE KEY", `
     2\u2192`),
      pem(draw, "EC PRIVATE KEY", `\\n" +
  "`),
      pem(draw, "PGP PRIVATE KEY BLOCK", `
+`),
      ["head: ", lines(draw, "RSA PRIVATE KEY"), `
...`]
    ],
    keeps: (draw) => [
      `${mark("BEGIN", "PUBLIC KEY")}
${draw(BASE64, 64)}
${mark("END", "PUBLIC KEY")}`,
      `${mark("BEGIN", "CERTIFICATE")}
${draw(BASE64, 64)}
${mark("END", "CERTIFICATE")}`,
      `${mark("BEGIN", "RSA PRIVATE KEY")}
...
${mark("END", "RSA PRIVATE KEY")}`,
      `A key starts with ${mark("BEGIN", "PRIVATE KEY")} and ends with ${mark("END", "PRIVATE KEY")}.`
    ]
  },
  {
    id: "encoded-private-key",
    pack: "credentials",
    description: "Private key, or service account with one, in base64",
    anchors: ["LS0tLS1CRUdJTi", "ewogIC", "eyJ0eXBlIj"],
    pattern: new RegExp(`(?<![+/${URLSAFE}])(?:LS0tLS1CRUdJTi|ewogIC|eyJ0eXBlIj)[${BASE64}=_-]{40,}${LINES}*`),
    accepts: ({ secret }) => /PRIVATE KEY/.test(fromBase64(secret)),
    hides: (draw) => [
      ["client-key-data: ", btoa(pem(draw, "RSA PRIVATE KEY", `
`))],
      btoa(`{
  "type": "service_account",
  "private_key": "${pem(draw, "PRIVATE KEY", "\\n")}"}`)
    ],
    keeps: (draw) => [`certificate-authority-data: ${btoa(`${mark("BEGIN", "CERTIFICATE")}
${draw(BASE64, 640)}`)}`]
  },
  {
    id: "jwt",
    pack: "credentials",
    description: "JSON Web Token, signed or encrypted; also in base64",
    anchors: ["eyJ", "ZXlK"],
    pattern: new RegExp(
      `(?<![${ALNUM}])(?:eyJ[${URLSAFE}]{10,600}={0,2}\\.(?:eyJ[${URLSAFE}]{8,}={0,2}\\.[${URLSAFE}]*|[${URLSAFE}]{0,1000}\\.[${URLSAFE}]{8,1000}\\.[${URLSAFE}]{8,}\\.[${URLSAFE}]{8,})|ZXlK[${BASE64}_-]{60,}={0,2})`
    ),
    accepts: ({ secret }) => !secret.startsWith("ZXlK") || /^eyJ[\w-]{10,}\.eyJ/.test(fromBase64(secret)),
    hides: (draw) => [jwt(draw), ["token: ", btoa(jwt(draw))], ["Bearer ", jwt(draw)]],
    keeps: (draw) => [`eyJ${draw(ALNUM, 40)}`, `ZXlK${draw(ALNUM, 80)}`, "eyJ.eyJ.abc"]
  },
  shaped({ id: "age-key", description: "Secret key of age", shape: ["AGE-SECRET-KEY-", orMore("A-Z0-9-", 58)] })
], mark = (edge, kind) => `-----${edge} ${kind}-----`;
function lines(draw, kind, between = `
`) {
  return [mark("BEGIN", kind), draw(BASE64, 64), draw(BASE64, 64), `${draw(BASE64, 38)}==`].join(between);
}
var pem = (draw, kind, between) => `${lines(draw, kind, between)}${between}${mark("END", kind)}`, jwt = (draw) => {
  let part = (json) => btoa(json).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");
  return `${part('{"alg":"HS256","typ":"JWT"}')}.${part(`{"sub":"${draw(ALNUM, 12)}"}`)}.${draw(URLSAFE, 43)}`;
};

// src/redact/rules/pii.ts
var pii = [
  {
    id: "email",
    pack: "pii",
    description: "E-mail address",
    // Not icon@2x.png, nor git@host:path.
    pattern: /(?<![\w.+%/-])(?!git@)[\w.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}(?!(?:png|jpe?g|gif|webp|svg|avif|js|ts|css|json)\b)[A-Za-z]{2,24}(?![\w-])/,
    hides: () => ["jane.doe+x@mail.example.org", ["Author: Jane <", "jane@example.com", ">"]],
    keeps: () => ["git@github.com:acme/app.git", "icon@2x.png", "react@18.2.0", "@scope/name", "a @ b.c"]
  },
  {
    id: "phone",
    pack: "pii",
    description: "Telephone number, international or of North America",
    pattern: /(?<![\w.+/-])(?:\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,5}|(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4})(?![\w-])/,
    accepts: ({ secret }) => secret.replace(/\D/g, "").length >= 9,
    hides: () => ["+49 30 1234567", "+1 (555) 010-1234", ["call ", "555-010-1234", " now"]],
    keeps: () => ["2026-01-02", "1.2.3", "+1", "+12 lines", "192.168.100.200", "1234567890"]
  },
  {
    id: "home-directory",
    pack: "pii",
    description: "Home directory, which names its user: becomes ~",
    pattern: /(?<![\w.~-])(?:\/(?:home|Users)\/(?!Shared\b|runner\b)[^\s/\\"'`:;,<>|()[\]{}]{1,64}|[A-Za-z]:(?:\\{1,4}|\/)Users(?:\\{1,4}|\/)(?!Public\b)[^\s/\\"'`:;,<>|()[\]{}]{1,64})/,
    replacement: "~",
    hides: () => [
      ["cd ", "/home/jane", "/work"],
      ["", "/Users/jane", ""],
      ["open ", "C:\\Users\\jane", "\\x.txt"]
    ],
    keeps: () => ["/usr/home", "/home", "https://example.com/home/page", "~/work", "/Users/Shared/x"]
  }
];

// src/redact/rules/services.ts
var DISCORD_STARTS = ["MT", "Mj", "Mz", "ND", "NT", "Nj", "Nz", "OD", "OT"].flatMap(
  (two) => [..."AEIMQUYcgk"].map((third) => two + third)
), services = [
  shaped({
    id: "slack-token",
    description: "Slack token: bot, user, app, refresh, configuration",
    shape: [["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxc-", "xoxd-", "xoxe-", "xoxe."], orMore(`.%${URLSAFE}`, 20)],
    or: [["xapp-", orMore(URLSAFE, 20)]]
  }),
  {
    id: "slack-webhook",
    pack: "credentials",
    description: "Slack incoming webhook or workflow trigger",
    anchors: ["hooks.slack.com/", "hooks.slack-gov.com/"],
    pattern: /hooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)\/([A-Za-z0-9+/]{20,})/,
    hides: (draw) => [["curl https://hooks.slack.com/services/", `T${draw(UPPER, 8)}/B${draw(UPPER, 10)}/${draw(ALNUM, 24)}`, " -d x"]],
    keeps: () => ["https://hooks.slack.com/services/", "https://hooks.slack.com/services/T.../B.../...", "https://hooks.slack.com/docs"]
  },
  {
    id: "discord-token",
    pack: "credentials",
    description: "Discord bot token",
    anchors: DISCORD_STARTS,
    pattern: /(?<![\w-])[MNO][A-Za-z0-9]{22,28}\.[\w-]{6}\.[\w-]{27,}/,
    hides: (draw) => [`MTI${draw(ALNUM, 21)}.${draw(ALNUM, 6)}.${draw(URLSAFE, 38)}`],
    keeps: (draw) => [draw(ALNUM, 24), "MTI.abc.def"]
  },
  {
    id: "discord-webhook",
    pack: "credentials",
    description: "Discord webhook",
    anchors: ["/api/webhooks/"],
    pattern: /\/api\/webhooks\/\d{15,22}\/([\w-]{40,})/,
    hides: (draw) => [[`https://discord.com/api/webhooks/${draw("0-9", 18)}/`, draw(URLSAFE, 68)]],
    keeps: () => ["https://discord.com/api/webhooks/{id}/{token}"]
  },
  {
    id: "teams-webhook",
    pack: "credentials",
    description: "Microsoft Teams webhook",
    anchors: ["/IncomingWebhook/"],
    pattern: /\/IncomingWebhook\/([0-9a-f]{32}\/[0-9a-f-]{36}[\w/-]*)/,
    hides: (draw) => [["https://acme.webhook.office.com/webhookb2/x/IncomingWebhook/", `${draw(HEX, 32)}/${draw(HEX, 36)}`]],
    keeps: () => ["https://acme.webhook.office.com/webhookb2/x/IncomingWebhook/y"]
  },
  {
    id: "telegram-token",
    pack: "credentials",
    description: "Telegram bot token",
    anchors: [":AA", ":BA", ":CA"],
    pattern: /(?<=(?<!\d)\d{8,12}):([ABC]A[\w-]{33})(?![\w-])/,
    hides: (draw) => [[`https://api.telegram.org/bot1${draw("0-9", 9)}:`, `AA${draw(URLSAFE, 33)}`, "/getMe"]],
    keeps: () => ["12:AA", "00:1A:AA:10"]
  },
  shaped({
    id: "stripe-key",
    description: "Stripe secret or restricted key",
    shape: [["sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", "rk_prod_"], orMore(ALNUM, 16)]
  }),
  shaped({
    id: "webhook-secret",
    description: "Signing secret of webhooks: Stripe, Svix, Clerk",
    shape: ["whsec_", orMore(`${BASE64}=`, 24)]
  }),
  shaped({ id: "square-token", description: "Square token", shape: [["sq0atp-", "sq0csp-", "sq0idp-"], orMore(URLSAFE, 22)] }),
  shaped({
    id: "paypal-braintree-token",
    description: "Braintree access token",
    shape: [["access_token$production$", "access_token$sandbox$"], run("a-z0-9", 16), "$", orMore(HEX, 32)]
  }),
  shaped({
    id: "shopify-token",
    description: "Shopify token",
    shape: [["shpat_", "shpca_", "shppa_", "shpss_", "shpua_", "shptka_", "shpit_"], orMore(ALNUM, 32)]
  }),
  shaped({
    id: "sendgrid-key",
    description: "SendGrid API key",
    shape: ["SG.", run(URLSAFE, 16, 32), ".", orMore(URLSAFE, 32)],
    notAfter: ALNUM
  }),
  shaped({ id: "mailgun-key", description: "Mailgun API key", shape: ["key-", run(HEX, 32)], notAfter: URLSAFE }),
  {
    id: "mailchimp-key",
    pack: "credentials",
    description: "Mailchimp API key",
    anchors: ["-us1", "-us2", "-us3", "-us4", "-us5", "-us6", "-us7", "-us8", "-us9"],
    lead: 32,
    pattern: /(?<![A-Za-z0-9])[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])/,
    hides: (draw) => [`${draw(HEX, 32)}-us12`],
    keeps: () => ["eu-us1", "region-us1"]
  },
  shaped({
    id: "brevo-key",
    description: "Brevo API or SMTP key",
    shape: [["xkeysib-", "xsmtpsib-"], run(HEX, 64), "-", orMore(ALNUM, 16)]
  }),
  shaped({ id: "resend-key", description: "Resend API key", shape: ["re_", run(ALNUM, 8, 10), "_", orMore(ALNUM, 20)], notAfter: ALNUM }),
  shaped({
    id: "twilio-key",
    description: "Twilio API key",
    shape: [[..."0123456789abcdef"].map((digit) => `SK${digit}`), run(HEX, 31)],
    notAfter: ALNUM
  }),
  shaped({
    id: "sentry-token",
    description: "Sentry token",
    shape: ["sntrys_", orMore(`${BASE64}=_-`, 60)],
    or: [[["sntryu_", "sntrya_", "sntryi_"], orMore(HEX, 64)]]
  }),
  shaped({
    id: "new-relic-key",
    description: "New Relic key",
    shape: [["NRAK-", "NRJS-", "NRII-", "NRRA-", "NRBR-", "NRAL-"], orMore(URLSAFE, 19)]
  }),
  {
    id: "new-relic-license",
    pack: "credentials",
    description: "New Relic license key",
    anchors: ["NRAL"],
    lead: 36,
    // Those of the EU have four characters more before that.
    pattern: /[0-9a-fA-Fux]{36}NRAL(?![A-Za-z0-9])/,
    hides: (draw) => [`${draw(HEX, 36)}NRAL`],
    keeps: () => ["NRAL", "GENRAL"]
  },
  shaped({
    id: "datadog-key",
    description: "Datadog application key, new form",
    shape: [["ddapp_", "ddpat_"], orMore(ALNUM, 30)],
    notAfter: ALNUM
  }),
  shaped({ id: "posthog-key", description: "PostHog personal API key", shape: ["phx_", orMore(ALNUM, 40)], notAfter: ALNUM }),
  shaped({
    id: "notion-token",
    description: "Notion integration token",
    shape: ["ntn_", orMore(ALNUM, 40)],
    or: [["secret_", orMore(ALNUM, 43)]],
    notAfter: ALNUM
  }),
  shaped({ id: "contentful-token", description: "Contentful management token", shape: ["CFPAT-", orMore(URLSAFE, 43)] }),
  shaped({ id: "okta-token", description: "Okta API token in a header", shape: ["SSWS ", orMore(URLSAFE, 40)] }),
  shaped({
    id: "mapbox-token",
    description: "Mapbox secret token",
    shape: ["sk.eyJ", run(URLSAFE, 40, 300), ".", orMore(URLSAFE, 20)],
    notAfter: ALNUM
  }),
  shaped({ id: "ngrok-key", description: "ngrok API key", shape: ["ak_2", orMore(ALNUM, 26)], notAfter: ALNUM })
];

// src/redact/rules/urls.ts
var DATABASES = "postgres(?:ql)?|mysqlx?|mariadb|mongodb|rediss?|valkeys?|amqps?|kafka|nats|mssql|sqlserver|oracle|db2|clickhouse|cockroachdb|crdb|neo4j|bolt|cassandra|couchdb|influxdb|snowflake|ldaps?|tds|jdbc:[a-z:]{1,40}", PART = "[^\\s\"'`<>\\\\@]", urls = [
  {
    id: "database-url",
    pack: "credentials",
    description: "Password in the URL of a database or a broker",
    anchors: ["://"],
    // Passwords are often pasted as they are, with the characters that a URL would have to escape.
    pattern: new RegExp(
      `(?<=\\b(?:${DATABASES})(?:\\+[a-z0-9]{1,20})?)://[^\\s:@/?#"'\`<>\\\\]{0,128}:(${PART}{1,256}(?:@[^\\s"'\`<>\\\\@/?#]{1,256}){0,3})@(?=[\\w[$%{.-])`,
      "i"
    ),
    accepts: ({ secret }) => !isStandIn(secret),
    hides: (draw) => [
      ["postgres://app:", draw(ALNUM, 12), "@db.internal:5432/shop"],
      ["mongodb+srv://root:", `${draw(ALNUM, 8)}@${draw(ALNUM, 6)}`, "@cluster0.example.net/?retryWrites=true"],
      ["redis://:", draw(ALNUM, 10), "@10.0.0.7:6379/0"],
      ['DATABASE_URL="mysql+pymysql://u:', `${draw(ALNUM, 6)}/#${draw(ALNUM, 6)}`, '@localhost/x"']
    ],
    keeps: () => [
      "postgres://localhost:5432/shop",
      "postgres://user:password@localhost/db",
      "mysql://$USER:$PASS@host/db",
      "mongodb://<user>:<password>@host",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
      "redis://:${REDIS_PASSWORD}@redis:6379",
      "postgres://app@db.internal/shop"
    ]
  },
  {
    id: "sentry-dsn",
    pack: "credentials",
    description: "Key in the DSN of Sentry",
    anchors: ["://"],
    pattern: /:\/\/([0-9a-f]{32}(?::[0-9a-f]{32})?)@(?=[\w.-]{1,200}\/\d)/,
    hides: (draw) => [["https://", draw(HEX, 32), "@o447951.ingest.sentry.io/5429219"]],
    keeps: () => ["https://<key>@o0.ingest.sentry.io/0"]
  },
  {
    id: "url-password",
    pack: "credentials",
    description: "Password or token before the host of a URL",
    anchors: ["://"],
    pattern: new RegExp(
      [
        // user:password@, user:@ and token:x-oauth-basic@, token@
        "://[^\\s:@/?#\"'`<>\\\\]{0,128}:(?!x-oauth-basic@)([^\\s\"'`<>\\\\@/?#]{1,512}(?:@[^\\s\"'`<>\\\\@/?#:]{1,256}){0,3})@(?=[\\w[$%{.-])",
        "://([^\\s:@/?#\"'`<>\\\\]{16,512})(?::(?:x-oauth-basic)?)?@(?=[\\w[.-])"
      ].join("|")
    ),
    accepts: ({ secret, text: text3, at, anchorAt }) => !isStandIn(secret) && (text3[at - 1] === ":" ? text3.slice(anchorAt + 3, at - 1) !== "anonymous" : strangeness(secret) >= 0.3),
    hides: (draw) => [
      ["https://ci:", draw(ALNUM, 20), "@git.example.com/acme/app.git"],
      ["git remote add origin https://", draw(`${ALNUM}`, 40), "@github.com/acme/app"],
      ["git clone https://", draw(`${ALNUM}`, 40), ":x-oauth-basic@github.com/acme/app"],
      ["http://proxy:", `${draw(ALNUM, 5)}%40${draw(ALNUM, 5)}`, "@10.1.1.1:3128"]
    ],
    keeps: () => [
      "https://user:pass@example.com/",
      "https://abc:xyz@example.com/",
      "ftp://anonymous:guest@ftp.example.com/",
      "https://git@github.com/acme/app",
      "ssh://git@github.com:22/acme/app",
      "http://localhost:3000/@vite/client",
      "https://esm.sh/react@18.2.0",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
      "https://${user}:${password}@host/",
      "https://x-access-token:$GITHUB_TOKEN@github.com/acme/app",
      "https://medium.com/@some-long-name-of-an-author/post"
    ]
  },
  {
    id: "signed-url",
    pack: "credentials",
    description: "Signature or session token that makes a URL a key: AWS, Azure SAS, Google Cloud, CloudFront",
    anchors: ["ignature=", "sig=", "Security-Token="],
    pattern: /(?<=[?&;](?:X-Amz-|X-Goog-)?[Ss]?)(?:ignature|sig|Security-Token)=([\w%+/=~-]{24,})/,
    accepts: ({ secret }) => !isPlaceholder(secret) && strangeness(secret) >= 0.3,
    hides: (draw) => [
      ["https://b.s3.amazonaws.com/k?X-Amz-Expires=300&X-Amz-Signature=", draw(HEX, 64), "&x=1"],
      ["https://shop.blob.core.windows.net/c/b?sv=2024-11-04&se=2026-01-01&sig=", `${draw(ALNUM, 41)}%3D`],
      ["https://cdn.example.com/f?Expires=1&Signature=", draw(`~${URLSAFE}`, 80), "&Key-Pair-Id=K"]
    ],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what code says
    keeps: () => ["?sig=${signature}", "?X-Amz-Signature=...", "sig=abc"]
  }
];

// src/redact/rules/index.ts
var builtInRules = [
  ...ai,
  ...code,
  ...cloud,
  ...services,
  ...keys,
  ...urls,
  ...headers,
  ...assignments,
  ...entropyRules,
  ...pii
];

// src/redact/session.ts
function redactSession(session, redactor) {
  return {
    ...session,
    agentName: redactor.text(session.agentName).value,
    turns: session.turns.map((turn) => redactTurn(turn, redactor)),
    strays: session.strays.map((agent) => new Redaction(redactor).agent(agent))
  };
}
function redactTurn(turn, redactor) {
  let redaction = new Redaction(redactor), clean = { ...turn, ...redaction.run(turn), command: redaction.text(turn.command) }, counts = redaction.counts();
  return Object.keys(counts).length === 0 ? clean : { ...clean, redactions: counts };
}
var Redaction = class {
  #redactor;
  #found = [];
  constructor(redactor) {
    this.#redactor = redactor;
  }
  counts() {
    return sumOfCounts(...this.#found);
  }
  text(text3) {
    if (text3 === void 0) return text3;
    let { value, counts } = this.#redactor.text(text3);
    return this.#found.push(counts), value;
  }
  agent(agent) {
    return {
      ...agent,
      ...this.run(agent),
      name: this.text(agent.name),
      type: this.text(agent.type),
      description: this.text(agent.description),
      respawns: agent.respawns.map((respawn) => this.agent(respawn))
    };
  }
  run(run2) {
    return {
      branch: this.text(run2.branch),
      prompt: this.#value(run2.prompt),
      answer: this.#value(run2.answer),
      outcome: this.#outcome(run2.outcome),
      modelCalls: run2.modelCalls.map((call) => this.#modelCall(call)),
      toolCalls: run2.toolCalls.map((call) => this.#toolCall(call)),
      unclaimedAgents: run2.unclaimedAgents.map((agent) => this.agent(agent))
    };
  }
  #modelCall(call) {
    return { ...call, input: this.#value(call.input), output: this.#value(call.output) };
  }
  #toolCall(call) {
    return {
      ...call,
      name: this.text(call.name),
      mcp: call.mcp && { server: this.text(call.mcp.server), tool: this.text(call.mcp.tool) },
      skill: this.text(call.skill),
      teammate: this.text(call.teammate),
      input: this.#value(call.input),
      output: this.#value(call.output),
      outcome: this.#outcome(call.outcome),
      agent: call.agent && this.agent(call.agent),
      agents: call.agents.map((agent) => this.agent(agent))
    };
  }
  #outcome(outcome) {
    return "message" in outcome ? { ...outcome, message: this.text(outcome.message) } : outcome;
  }
  #value(value) {
    if (value === void 0) return value;
    let { value: clean, counts } = this.#redactor.value(value);
    return this.#found.push(counts), clean;
  }
};

// src/trace/content.ts
var import_node_crypto3 = require("node:crypto"), MAX_BYTES2 = 16 * 1024, MAX_STATUS_CHARS = 1024, statusText = (text3) => text3.length <= MAX_STATUS_CHARS ? text3 : `${beginningOf2(text3, MAX_STATUS_CHARS)}\u2026`, beginningOf2 = (text3, chars) => text3.slice(0, /[\uD800-\uDBFF]/.test(text3[chars - 1]) ? chars - 1 : chars);
function messagesJson(messages, finishReason2) {
  return cappedJson(
    messages.map((message) => ({
      role: message.role,
      parts: message.parts.map(partJson),
      ...finishReason2 !== void 0 && message.role === "assistant" && { finish_reason: finishReason2 }
    }))
  );
}
function partJson(part) {
  switch (part.kind) {
    case "text":
      return { type: "text", content: part.text };
    case "reasoning":
      return { type: "reasoning", content: part.text };
    case "tool_call":
      return { type: "tool_call", id: part.id, name: part.name, arguments: part.arguments };
    case "tool_result":
      return { type: "tool_call_response", id: part.id, response: resultJson(part.result) };
    case "server_tool_call":
      return {
        type: "server_tool_call",
        ...part.id !== void 0 && { id: part.id },
        name: part.name,
        server_tool_call: { type: part.name, arguments: part.arguments }
      };
    case "server_tool_result":
      return {
        type: "server_tool_call_response",
        ...part.id !== void 0 && { id: part.id },
        server_tool_call_response: { type: part.name, result: part.result }
      };
    case "media":
      return {
        type: "blob",
        modality: part.modality,
        ...part.mimeType !== void 0 && { mime_type: part.mimeType },
        content: "",
        byte_size: part.bytes
      };
    case "other":
      return { type: part.type };
    default:
      return part;
  }
}
var resultJson = (result) => Array.isArray(result) ? result.map((item) => isPart(item) ? partJson(item) : item) : result, isPart = (item) => typeof item == "object" && item !== null && "kind" in item;
function cappedJson(value) {
  try {
    return capped(value);
  } catch (error) {
    if (error instanceof RangeError) return JSON.stringify({ type: "cut", reason: "nested too deeply" });
    throw error;
  }
}
function capped(value) {
  let whole3 = JSON.stringify(value) ?? "null";
  if (Buffer.byteLength(whole3) <= MAX_BYTES2) return whole3;
  for (let limit = MAX_BYTES2 / 2; limit >= 32; limit /= 2) {
    let cut = JSON.stringify(cutStrings(value, limit, Math.max(8, limit / 16)));
    if (Buffer.byteLength(cut) <= MAX_BYTES2) return cut;
  }
  return JSON.stringify({ type: "cut", ...told2(whole3) });
}
function cutStrings(value, maxChars, maxItems) {
  if (typeof value == "string") return value.length <= maxChars ? value : cutString(value, maxChars);
  if (Array.isArray(value)) {
    let kept = value.slice(0, maxItems).map((item) => cutStrings(item, maxChars, maxItems));
    return value.length <= maxItems ? kept : [...kept, { type: "cut", items: value.length - maxItems }];
  }
  return typeof value != "object" || value === null ? value : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cutStrings(item, maxChars, maxItems)]));
}
function cutString(text3, maxChars) {
  let { length, sha256: sha2562 } = told2(text3);
  return `${beginningOf2(text3, maxChars)}\u2026 [cut: ${length} characters, sha256 ${sha2562}]`;
}
var told2 = (text3) => ({ length: text3.length, sha256: (0, import_node_crypto3.createHash)("sha256").update(text3).digest("hex") });

// node_modules/@pydantic/genai-prices/dist/index.js
var E = JSON.parse('[{"id":"anthropic","name":"Anthropic","api_pattern":"https://api\\\\.anthropic\\\\.com","model_match":{"contains":"claude"},"provider_match":{"contains":"anthropic"},"models":[{"id":"claude-2","name":"Claude 2.0 / 2.1","match":{"or":[{"starts_with":"claude-2"},{"contains":"claude-v2"}]},"context_window":200000,"prices":{"input_mtok":8,"output_mtok":24}},{"id":"claude-3-5-haiku-latest","name":"Claude Haiku 3.5","match":{"or":[{"starts_with":"claude-3-5-haiku"},{"starts_with":"claude-3.5-haiku"}]},"context_window":200000,"prices":{"input_mtok":0.8,"cache_write_mtok":1,"cache_read_mtok":0.08,"output_mtok":4,"cache_write_1h_mtok":1.6,"web_searches_kcount":10}},{"id":"claude-3-5-sonnet","name":"Claude Sonnet 3.5","match":{"or":[{"starts_with":"claude-3-5-sonnet"},{"starts_with":"claude-3.5-sonnet"}]},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15,"cache_write_1h_mtok":6,"web_searches_kcount":10}},{"id":"claude-3-7-sonnet-latest","name":"Claude Sonnet 3.7","match":{"or":[{"starts_with":"claude-3-7-sonnet"},{"starts_with":"claude-3.7-sonnet"},{"starts_with":"claude-sonnet-3.7"},{"starts_with":"claude-sonnet-3-7"}]},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15,"cache_write_1h_mtok":6,"web_searches_kcount":10}},{"id":"claude-3-haiku","name":"Claude Haiku 3","match":{"starts_with":"claude-3-haiku"},"context_window":200000,"prices":{"input_mtok":0.25,"cache_write_mtok":0.3,"cache_read_mtok":0.03,"output_mtok":1.25,"cache_write_1h_mtok":0.5}},{"id":"claude-3-opus-latest","name":"Claude Opus 3","match":{"starts_with":"claude-3-opus"},"context_window":200000,"prices":{"input_mtok":15,"cache_write_mtok":18.75,"cache_read_mtok":1.5,"output_mtok":75,"cache_write_1h_mtok":30}},{"id":"claude-3-sonnet","name":"Claude 3 Sonnet","match":{"starts_with":"claude-3-sonnet"},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15,"cache_write_1h_mtok":6}},{"id":"claude-fable-5","name":"Claude Fable 5","match":{"or":[{"equals":"claude-fable-5"},{"regex":"^claude-fable-5-\\\\d{8}$"}]},"context_window":1000000,"prices":{"input_mtok":10,"cache_write_mtok":12.5,"cache_read_mtok":1,"output_mtok":50,"cache_write_1h_mtok":20,"web_searches_kcount":10}},{"id":"claude-fable-5-1","name":"Claude Fable 5.1","match":{"or":[{"equals":"claude-fable-5-1"},{"regex":"^claude-fable-5-1-\\\\d{8}$"}]},"context_window":1000000,"prices":{"input_mtok":10,"cache_write_mtok":12.5,"cache_read_mtok":0.25,"output_mtok":50,"cache_write_1h_mtok":20,"web_searches_kcount":10}},{"id":"claude-haiku-4-5","name":"Claude Haiku 4.5","match":{"or":[{"starts_with":"claude-haiku-4-5"},{"starts_with":"claude-haiku-4.5"},{"starts_with":"claude-4-5-haiku"},{"starts_with":"claude-4.5-haiku"}]},"context_window":200000,"prices":{"input_mtok":1,"cache_write_mtok":1.25,"cache_read_mtok":0.1,"output_mtok":5,"cache_write_1h_mtok":2,"web_searches_kcount":10}},{"id":"claude-opus-4-0","name":"Claude Opus 4","match":{"or":[{"starts_with":"claude-opus-4-0"},{"starts_with":"claude-4-opus"},{"equals":"claude-opus-4"},{"equals":"claude-opus-4-20250514"}]},"context_window":200000,"prices":{"input_mtok":15,"cache_write_mtok":18.75,"cache_read_mtok":1.5,"output_mtok":75,"cache_write_1h_mtok":30,"web_searches_kcount":10}},{"id":"claude-opus-4-1","name":"Claude Opus 4.1","match":{"or":[{"starts_with":"claude-opus-4-1"},{"starts_with":"claude-opus-4.1"}]},"context_window":200000,"prices":{"input_mtok":15,"cache_write_mtok":18.75,"cache_read_mtok":1.5,"output_mtok":75,"cache_write_1h_mtok":30,"web_searches_kcount":10}},{"id":"claude-opus-4-5","name":"Claude Opus 4.5","match":{"or":[{"starts_with":"claude-opus-4-5"},{"starts_with":"claude-opus-4.5"},{"starts_with":"claude-4-5-opus"},{"starts_with":"claude-4.5-opus"}]},"context_window":200000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25,"cache_write_1h_mtok":10,"web_searches_kcount":10}},{"id":"claude-opus-4-6","name":"Claude Opus 4.6","match":{"or":[{"starts_with":"claude-opus-4-6"},{"starts_with":"claude-opus-4.6"},{"starts_with":"claude-4-6-opus"},{"starts_with":"claude-4.6-opus"}]},"context_window":1000000,"prices":[{"prices":{"input_mtok":{"base":5,"tiers":[{"start":200000,"price":10}]},"cache_write_mtok":{"base":6.25,"tiers":[{"start":200000,"price":12.5}]},"cache_read_mtok":{"base":0.5,"tiers":[{"start":200000,"price":1}]},"output_mtok":{"base":25,"tiers":[{"start":200000,"price":37.5}]},"cache_write_1h_mtok":{"base":10,"tiers":[{"start":200000,"price":20}]},"web_searches_kcount":10}},{"constraint":{"start_date":"2026-03-13","type":"start_date"},"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25,"cache_write_1h_mtok":10,"web_searches_kcount":10}}]},{"id":"claude-opus-4-7","name":"Claude Opus 4.7","match":{"or":[{"starts_with":"claude-opus-4-7"},{"starts_with":"claude-opus-4.7"},{"starts_with":"claude-4-7-opus"},{"starts_with":"claude-4.7-opus"}]},"context_window":1000000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25,"cache_write_1h_mtok":10,"web_searches_kcount":10}},{"id":"claude-opus-4-8","name":"Claude Opus 4.8","match":{"or":[{"starts_with":"claude-opus-4-8"},{"starts_with":"claude-opus-4.8"},{"starts_with":"claude-4-8-opus"},{"starts_with":"claude-4.8-opus"}]},"context_window":1000000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25,"cache_write_1h_mtok":10,"web_searches_kcount":10}},{"id":"claude-opus-5","name":"Claude Opus 5","match":{"or":[{"equals":"claude-opus-5"},{"regex":"^claude-opus-5-\\\\d{8}$"},{"starts_with":"claude-opus-5.0"},{"starts_with":"claude-5-opus"},{"starts_with":"claude-5.0-opus"}]},"context_window":1000000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25,"cache_write_1h_mtok":10,"web_searches_kcount":10}},{"id":"claude-opus-5-5","name":"Claude Opus 5.5","match":{"or":[{"equals":"claude-opus-5-5"},{"regex":"^claude-opus-5-5-\\\\d{8}$"},{"starts_with":"claude-opus-5.5"},{"starts_with":"claude-5-5-opus"},{"starts_with":"claude-5.5-opus"}]},"context_window":1000000,"prices":{"input_mtok":4,"cache_write_mtok":5,"cache_read_mtok":0.2,"output_mtok":20,"cache_write_1h_mtok":8,"web_searches_kcount":10}},{"id":"claude-sonnet-4-0","name":"Claude Sonnet 4","match":{"or":[{"starts_with":"claude-sonnet-4-2025"},{"starts_with":"claude-sonnet-4-0"},{"starts_with":"claude-sonnet-4@"},{"equals":"claude-sonnet-4"},{"starts_with":"claude-4-sonnet"}]},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15,"cache_write_1h_mtok":6,"web_searches_kcount":10}},{"id":"claude-sonnet-4-5","name":"Claude Sonnet 4.5","match":{"or":[{"starts_with":"claude-sonnet-4-5"},{"starts_with":"claude-sonnet-4.5"}]},"context_window":200000,"prices":{"input_mtok":{"base":3,"tiers":[{"start":200000,"price":6}]},"cache_write_mtok":{"base":3.75,"tiers":[{"start":200000,"price":7.5}]},"cache_read_mtok":{"base":0.3,"tiers":[{"start":200000,"price":0.6}]},"output_mtok":{"base":15,"tiers":[{"start":200000,"price":22.5}]},"cache_write_1h_mtok":{"base":6,"tiers":[{"start":200000,"price":12}]},"web_searches_kcount":10}},{"id":"claude-sonnet-4-6","name":"Claude Sonnet 4.6","match":{"or":[{"starts_with":"claude-sonnet-4-6"},{"starts_with":"claude-sonnet-4.6"}]},"context_window":1000000,"prices":[{"prices":{"input_mtok":{"base":3,"tiers":[{"start":200000,"price":6}]},"cache_write_mtok":{"base":3.75,"tiers":[{"start":200000,"price":7.5}]},"cache_read_mtok":{"base":0.3,"tiers":[{"start":200000,"price":0.6}]},"output_mtok":{"base":15,"tiers":[{"start":200000,"price":22.5}]},"cache_write_1h_mtok":{"base":6,"tiers":[{"start":200000,"price":12}]},"web_searches_kcount":10}},{"constraint":{"start_date":"2026-03-13","type":"start_date"},"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15,"cache_write_1h_mtok":6,"web_searches_kcount":10}}]},{"id":"claude-sonnet-5","name":"Claude Sonnet 5","match":{"or":[{"starts_with":"claude-sonnet-5"},{"starts_with":"claude-sonnet-5.0"},{"starts_with":"claude-5-sonnet"},{"starts_with":"claude-5.0-sonnet"}]},"context_window":1000000,"prices":{"input_mtok":2,"cache_write_mtok":2.5,"cache_read_mtok":0.2,"output_mtok":10,"cache_write_1h_mtok":4,"web_searches_kcount":10}},{"id":"claude-v1","match":{"equals":"claude-v1"},"prices":{"input_mtok":8,"output_mtok":24}}]},{"id":"aws","name":"AWS Bedrock","api_pattern":"https://bedrock-runtime\\\\.[a-z0-9-]+\\\\.amazonaws\\\\.com(/|$)","provider_match":{"or":[{"contains":"bedrock"},{"contains":"amazon"}]},"models":[{"id":"amazon.nova-2-sonic-v1:0","name":"Nova 2 Sonic","match":{"contains":"amazon.nova-2-sonic"},"context_window":1000000,"prices":{"input_mtok":0.33,"output_mtok":2.75,"input_audio_mtok":3,"output_audio_mtok":12}},{"id":"amazon.nova-lite-v1:0","name":"Nova Lite","match":{"contains":"amazon.nova-lite"},"context_window":300000,"prices":{"input_mtok":0.06,"cache_read_mtok":0.015,"output_mtok":0.24}},{"id":"amazon.nova-micro-v1:0","name":"Nova Micro","match":{"contains":"amazon.nova-micro"},"context_window":128000,"prices":{"input_mtok":0.035,"cache_read_mtok":0.00875,"output_mtok":0.14}},{"id":"amazon.nova-premier-v1:0","name":"Nova Premier","match":{"contains":"amazon.nova-premier"},"context_window":1000000,"prices":{"input_mtok":2.5,"cache_read_mtok":0.625,"output_mtok":12.5}},{"id":"amazon.nova-pro-v1:0","name":"Nova Pro","match":{"contains":"amazon.nova-pro"},"context_window":300000,"prices":{"input_mtok":0.8,"cache_read_mtok":0.2,"output_mtok":3.2}},{"id":"amazon.nova-sonic-v1:0","name":"Nova Sonic","match":{"contains":"amazon.nova-sonic"},"prices":{"input_mtok":0.06,"output_mtok":0.24,"input_audio_mtok":3.4,"output_audio_mtok":13.6}},{"id":"amazon.titan-embed-text-v1","name":"Titan Embeddings G1 - Text","match":{"contains":"amazon.titan-embed-text"},"context_window":8192,"prices":{"input_mtok":0.1}},{"id":"amazon.titan-text-express-v1","name":"Titan Text G1 - Express","match":{"contains":"titan-text-express"},"prices":{"input_mtok":0.2,"output_mtok":0.6}},{"id":"amazon.titan-text-lite-v1","name":"Titan Text G1 - Lite","match":{"contains":"titan-text-lite"},"prices":{"input_mtok":0.15,"output_mtok":0.2}},{"id":"deepseek.r1-v1:0","name":"DeepSeek-R1","match":{"contains":"deepseek.r1"},"context_window":128000,"prices":{"input_mtok":1.35,"output_mtok":5.4}},{"id":"global.amazon.nova-2-lite-v1:0","name":"Nova 2 Lite","match":{"contains":"global.amazon.nova-2-lite"},"context_window":1000000,"prices":{"input_mtok":0.3,"cache_read_mtok":0.075,"output_mtok":2.5}},{"id":"global.anthropic.claude-fable-5-1-v1:0","match":{"or":[{"ends_with":"global.anthropic.claude-fable-5-1"},{"contains":"global.anthropic.claude-fable-5-1-v1"}]},"context_window":1000000,"prices":{"input_mtok":10,"cache_write_mtok":12.5,"cache_read_mtok":0.25,"output_mtok":50}},{"id":"global.anthropic.claude-fable-5-v1:0","match":{"or":[{"ends_with":"global.anthropic.claude-fable-5"},{"contains":"global.anthropic.claude-fable-5-v1"}]},"context_window":1000000,"prices":{"input_mtok":10,"cache_write_mtok":12.5,"cache_read_mtok":1,"output_mtok":50}},{"id":"global.anthropic.claude-haiku-4-5-20251001-v1:0","match":{"contains":"global.anthropic.claude-haiku-4-5-20251001"},"context_window":200000,"prices":{"input_mtok":1,"cache_write_mtok":1.25,"cache_read_mtok":0.1,"output_mtok":5}},{"id":"global.anthropic.claude-opus-4-5-v1:0","match":{"contains":"global.anthropic.claude-opus-4-5"},"context_window":200000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25}},{"id":"global.anthropic.claude-opus-4-6-v1:0","match":{"contains":"global.anthropic.claude-opus-4-6"},"context_window":1000000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25}},{"id":"global.anthropic.claude-opus-4-7-v1:0","match":{"contains":"global.anthropic.claude-opus-4-7"},"context_window":1000000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25}},{"id":"global.anthropic.claude-opus-4-8-v1:0","match":{"contains":"global.anthropic.claude-opus-4-8"},"context_window":1000000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25}},{"id":"global.anthropic.claude-opus-5","match":{"or":[{"ends_with":"global.anthropic.claude-opus-5"},{"contains":"global.anthropic.claude-opus-5-v1"}]},"context_window":1000000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25}},{"id":"global.anthropic.claude-opus-5-5","match":{"or":[{"ends_with":"global.anthropic.claude-opus-5-5"},{"contains":"global.anthropic.claude-opus-5-5-v1"}]},"context_window":1000000,"prices":{"input_mtok":4,"cache_write_mtok":5,"cache_read_mtok":0.2,"output_mtok":20,"cache_write_1h_mtok":8}},{"id":"global.anthropic.claude-sonnet-4-20250514-v1:0","match":{"contains":"global.anthropic.claude-sonnet-4-20250514"},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"global.anthropic.claude-sonnet-4-5-20250929-v1:0","match":{"contains":"global.anthropic.claude-sonnet-4-5-20250929"},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"global.anthropic.claude-sonnet-4-6-v1:0","match":{"contains":"global.anthropic.claude-sonnet-4-6"},"context_window":1000000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"global.anthropic.claude-sonnet-5-v1:0","match":{"contains":"global.anthropic.claude-sonnet-5"},"context_window":1000000,"prices":{"input_mtok":2,"cache_write_mtok":2.5,"cache_read_mtok":0.2,"output_mtok":10}},{"id":"global.openai.gpt-5.6-luna","name":"GPT-5.6 Luna (global)","match":{"contains":"global.openai.gpt-5.6-luna"},"context_window":1000000,"prices":{"input_mtok":{"base":0.2,"tiers":[{"start":271999,"price":0.4}]},"cache_write_mtok":{"base":0.25,"tiers":[{"start":271999,"price":0.5}]},"cache_read_mtok":{"base":0.02,"tiers":[{"start":271999,"price":0.04}]},"output_mtok":{"base":1.2,"tiers":[{"start":271999,"price":1.8}]}}},{"id":"global.openai.gpt-5.6-sol","name":"GPT-5.6 Sol (global)","match":{"contains":"global.openai.gpt-5.6-sol"},"context_window":1000000,"prices":[{"prices":{"input_mtok":{"base":5,"tiers":[{"start":271999,"price":10}]},"cache_write_mtok":{"base":6.25,"tiers":[{"start":271999,"price":12.5}]},"cache_read_mtok":{"base":0.5,"tiers":[{"start":271999,"price":1}]},"output_mtok":{"base":30,"tiers":[{"start":271999,"price":45}]}}},{"constraint":{"start_date":"2026-08-21","type":"start_date"},"prices":{"input_mtok":{"base":4,"tiers":[{"start":271999,"price":8}]},"cache_write_mtok":{"base":5,"tiers":[{"start":271999,"price":10}]},"cache_read_mtok":{"base":0.4,"tiers":[{"start":271999,"price":0.8}]},"output_mtok":{"base":20,"tiers":[{"start":271999,"price":30}]}}}]},{"id":"global.openai.gpt-5.6-terra","name":"GPT-5.6 Terra (global)","match":{"contains":"global.openai.gpt-5.6-terra"},"context_window":1000000,"prices":{"input_mtok":{"base":2,"tiers":[{"start":271999,"price":4}]},"cache_write_mtok":{"base":2.5,"tiers":[{"start":271999,"price":5}]},"cache_read_mtok":{"base":0.2,"tiers":[{"start":271999,"price":0.4}]},"output_mtok":{"base":12,"tiers":[{"start":271999,"price":18}]}}},{"id":"google.gemma-3-12b-it","name":"Gemma 3 12B IT","match":{"contains":"google.gemma-3-12b-it"},"context_window":128000,"prices":{"input_mtok":0.09,"output_mtok":0.29}},{"id":"google.gemma-3-27b-it","name":"Gemma 3 27B IT","match":{"contains":"google.gemma-3-27b-it"},"context_window":128000,"prices":{"input_mtok":0.23,"output_mtok":0.38}},{"id":"google.gemma-3-4b-it","name":"Gemma 3 4B IT","match":{"contains":"google.gemma-3-4b-it"},"context_window":128000,"prices":{"input_mtok":0.04,"output_mtok":0.08}},{"id":"meta.llama3-1-70b-instruct-v1:0","name":"Llama 3.1 70B Instruct","match":{"contains":"meta.llama3-1-70b-instruct"},"context_window":128000,"prices":{"input_mtok":0.72,"output_mtok":0.72}},{"id":"meta.llama3-1-8b-instruct-v1:0","name":"Llama 3.1 8B Instruct","match":{"contains":"meta.llama3-1-8b-instruct"},"context_window":128000,"prices":{"input_mtok":0.22,"output_mtok":0.22}},{"id":"meta.llama3-2-11b-instruct-v1:0","name":"Llama 3.2 11B Instruct","match":{"contains":"meta.llama3-2-11b-instruct"},"context_window":128000,"prices":{"input_mtok":0.16,"output_mtok":0.16}},{"id":"meta.llama3-2-1b-instruct-v1:0","name":"Llama 3.2 1B Instruct","match":{"contains":"meta.llama3-2-1b-instruct"},"context_window":128000,"prices":{"input_mtok":0.1,"output_mtok":0.1}},{"id":"meta.llama3-2-3b-instruct-v1:0","name":"Llama 3.2 3B Instruct","match":{"contains":"meta.llama3-2-3b-instruct"},"context_window":128000,"prices":{"input_mtok":0.15,"output_mtok":0.15}},{"id":"meta.llama3-2-90b-instruct-v1:0","name":"Llama 3.2 90B Instruct","match":{"contains":"meta.llama3-2-90b-instruct"},"context_window":128000,"prices":{"input_mtok":0.72,"output_mtok":0.72}},{"id":"meta.llama3-3-70b-instruct-v1:0","name":"Llama 3.3 70B Instruct","match":{"contains":"meta.llama3-3-70b-instruct"},"context_window":128000,"prices":{"input_mtok":0.72,"output_mtok":0.72}},{"id":"meta.llama3-70b-instruct-v1:0","name":"Llama 3 70B Instruct","match":{"contains":"meta.llama3-70b-instruct"},"context_window":8192,"prices":{"input_mtok":2.65,"output_mtok":3.5}},{"id":"meta.llama3-8b-instruct-v1:0","name":"Llama 3 8B Instruct","match":{"contains":"meta.llama3-8b-instruct"},"context_window":8192,"prices":{"input_mtok":0.3,"output_mtok":0.6}},{"id":"meta.llama4-maverick-17b-instruct-v1:0","name":"Llama 4 Maverick 17B Instruct","match":{"contains":"meta.llama4-maverick-17b-instruct"},"context_window":1000000,"prices":{"input_mtok":0.24,"output_mtok":0.97}},{"id":"meta.llama4-scout-17b-instruct-v1:0","name":"Llama 4 Scout 17B Instruct","match":{"contains":"meta.llama4-scout-17b-instruct"},"context_window":10000000,"prices":{"input_mtok":0.17,"output_mtok":0.66}},{"id":"mistral.devstral-2-123b","name":"Devstral 2 123B","match":{"contains":"mistral.devstral-2-123b"},"context_window":256000,"prices":{"input_mtok":0.4,"output_mtok":2}},{"id":"mistral.magistral-small-2509","name":"Magistral Small 2509","match":{"contains":"mistral.magistral-small-2509"},"context_window":128000,"prices":{"input_mtok":0.5,"output_mtok":1.5}},{"id":"mistral.ministral-3-14b-instruct","name":"Ministral 14B 3.0","match":{"contains":"mistral.ministral-3-14b-instruct"},"context_window":128000,"prices":{"input_mtok":0.2,"output_mtok":0.2}},{"id":"mistral.ministral-3-3b-instruct","name":"Ministral 3B 3.0","match":{"contains":"mistral.ministral-3-3b-instruct"},"context_window":128000,"prices":{"input_mtok":0.1,"output_mtok":0.1}},{"id":"mistral.ministral-3-8b-instruct","name":"Ministral 8B 3.0","match":{"contains":"mistral.ministral-3-8b-instruct"},"context_window":128000,"prices":{"input_mtok":0.15,"output_mtok":0.15}},{"id":"mistral.mistral-7b-instruct-v0:2","name":"Mistral 7B Instruct","match":{"contains":"mistral.mistral-7b-instruct-v0"},"context_window":32000,"prices":{"input_mtok":0.15,"output_mtok":0.2}},{"id":"mistral.mistral-large-2402-v1:0","name":"Mistral Large (24.02)","match":{"contains":"mistral.mistral-large-2402"},"context_window":32000,"prices":{"input_mtok":4,"output_mtok":12}},{"id":"mistral.mistral-large-3-675b-instruct","name":"Mistral Large 3","match":{"contains":"mistral.mistral-large-3-675b-instruct"},"context_window":256000,"prices":{"input_mtok":0.5,"output_mtok":1.5}},{"id":"mistral.mistral-small-2402-v1:0","name":"Mistral Small (24.02)","match":{"contains":"mistral.mistral-small-2402"},"context_window":32000,"prices":{"input_mtok":1,"output_mtok":3}},{"id":"mistral.mixtral-8x7b-instruct-v0:1","name":"Mixtral 8x7B Instruct","match":{"contains":"mistral.mixtral-8x7b-instruct-v0"},"context_window":32000,"prices":{"input_mtok":0.45,"output_mtok":0.7}},{"id":"mistral.pixtral-large-2502-v1:0","name":"Pixtral Large (25.02)","match":{"contains":"mistral.pixtral-large-2502"},"context_window":128000,"prices":{"input_mtok":2,"output_mtok":6}},{"id":"mistral.voxtral-mini-3b-2507","name":"Voxtral Mini 3B 2507","match":{"contains":"mistral.voxtral-mini-3b-2507"},"context_window":32000,"prices":{"input_mtok":0.04,"output_mtok":0.04}},{"id":"mistral.voxtral-small-24b-2507","name":"Voxtral Small 24B 2507","match":{"contains":"mistral.voxtral-small-24b-2507"},"context_window":32000,"prices":{"input_mtok":0.1,"output_mtok":0.3}},{"id":"nvidia.nemotron-nano-3-30b:0","name":"Nemotron 3 Nano 30B","match":{"contains":"nvidia.nemotron-nano-3-30b"},"context_window":256000,"prices":{"input_mtok":0.06,"output_mtok":0.24}},{"id":"nvidia.nemotron-nano-9b-v2:0","name":"Nemotron 2 Nano 9B","match":{"contains":"nvidia.nemotron-nano-9b-v2"},"context_window":128000,"prices":{"input_mtok":0.06,"output_mtok":0.23}},{"id":"nvidia.nemotron-super-3-120b:0","name":"Nemotron 3 Super 120B","match":{"contains":"nvidia.nemotron-super-3-120b"},"context_window":256000,"prices":{"input_mtok":0.15,"output_mtok":0.65}},{"id":"openai.gpt-5.4","name":"GPT-5.4","match":{"equals":"openai.gpt-5.4"},"prices":{"input_mtok":2.75,"cache_read_mtok":0.275,"output_mtok":16.5}},{"id":"openai.gpt-5.5","name":"GPT-5.5","match":{"equals":"openai.gpt-5.5"},"prices":{"input_mtok":5.5,"cache_read_mtok":0.55,"output_mtok":33}},{"id":"openai.gpt-oss-120b-1:0","name":"gpt-oss-120b","match":{"contains":"openai.gpt-oss-120b-1"},"context_window":128000,"prices":{"input_mtok":0.15,"output_mtok":0.6}},{"id":"openai.gpt-oss-20b-1:0","name":"gpt-oss-20b","match":{"contains":"openai.gpt-oss-20b-1"},"context_window":128000,"prices":{"input_mtok":0.07,"output_mtok":0.3}},{"id":"qwen.qwen3-32b-v1:0","name":"Qwen3 32B (dense)","match":{"contains":"qwen.qwen3-32b"},"context_window":32000,"prices":{"input_mtok":0.15,"output_mtok":0.6}},{"id":"qwen.qwen3-coder-30b-a3b-v1:0","name":"Qwen3-Coder-30B-A3B-Instruct","match":{"contains":"qwen.qwen3-coder-30b-a3b"},"context_window":256000,"prices":{"input_mtok":0.15,"output_mtok":0.6}},{"id":"qwen.qwen3-coder-480b-a35b-v1:0","name":"Qwen3-Coder-480B-A35B-Instruct","match":{"contains":"qwen.qwen3-coder-480b-a35b"},"context_window":128000,"prices":{"input_mtok":0.45,"output_mtok":1.8}},{"id":"qwen.qwen3-vl-235b-a22b-v1:0","name":"Qwen3-VL-235B-A22B-Instruct","match":{"contains":"qwen.qwen3-vl-235b-a22b"},"context_window":256000,"prices":{"input_mtok":0.53,"output_mtok":2.66}},{"id":"regional.amazon.nova-2-lite-v1:0","name":"Nova 2 Lite","match":{"or":[{"contains":"us.amazon.nova-2-lite"},{"contains":"eu.amazon.nova-2-lite"},{"contains":"jp.amazon.nova-2-lite"}]},"context_window":1000000,"prices":{"input_mtok":0.33,"cache_read_mtok":0.0825,"output_mtok":2.75}},{"id":"regional.anthropic.claude-3-5-haiku-20241022-v1:0","match":{"contains":"claude-3-5-haiku-20241022"},"context_window":200000,"prices":{"input_mtok":0.8,"cache_write_mtok":1,"cache_read_mtok":0.08,"output_mtok":4}},{"id":"regional.anthropic.claude-3-5-sonnet-20240620-v1:0","match":{"contains":"claude-3-5-sonnet-20240620"},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"regional.anthropic.claude-3-5-sonnet-20241022-v2:0","match":{"contains":"claude-3-5-sonnet-20241022"},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"regional.anthropic.claude-3-7-sonnet-20250219-v1:0","match":{"contains":"claude-3-7-sonnet-20250219"},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"regional.anthropic.claude-3-haiku-20240307-v1:0","match":{"contains":"claude-3-haiku-20240307"},"context_window":200000,"prices":{"input_mtok":0.25,"output_mtok":1.25}},{"id":"regional.anthropic.claude-3-opus-20240229-v1:0","match":{"contains":"claude-3-opus-20240229"},"context_window":200000,"prices":{"input_mtok":15,"output_mtok":75}},{"id":"regional.anthropic.claude-3-sonnet-20240229-v1:0","match":{"contains":"claude-3-sonnet-20240229"},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"regional.anthropic.claude-fable-5-1-v1:0","match":{"or":[{"equals":"anthropic.claude-fable-5-1"},{"equals":"claude-fable-5-1"},{"starts_with":"anthropic.claude-fable-5-1-v1"},{"starts_with":"claude-fable-5-1-v1"},{"contains":"us.anthropic.claude-fable-5-1-v1"}]},"context_window":1000000,"prices":{"input_mtok":11,"cache_write_mtok":13.75,"cache_read_mtok":0.275,"output_mtok":55}},{"id":"regional.anthropic.claude-fable-5-v1:0","match":{"or":[{"equals":"anthropic.claude-fable-5"},{"equals":"claude-fable-5"},{"starts_with":"anthropic.claude-fable-5-v1"},{"starts_with":"claude-fable-5-v1"},{"contains":"us.anthropic.claude-fable-5-v1"},{"contains":"au.anthropic.claude-fable-5-v1"},{"contains":"eu.anthropic.claude-fable-5-v1"},{"contains":"jp.anthropic.claude-fable-5-v1"}]},"context_window":1000000,"prices":{"input_mtok":11,"cache_write_mtok":13.75,"cache_read_mtok":1.1,"output_mtok":55}},{"id":"regional.anthropic.claude-haiku-4-5-20251001-v1:0","match":{"or":[{"starts_with":"anthropic.claude-haiku-4-5-20251001"},{"starts_with":"claude-haiku-4-5-20251001"},{"contains":"us.anthropic.claude-haiku-4-5-20251001"},{"contains":"au.anthropic.claude-haiku-4-5-20251001"},{"contains":"apac.anthropic.claude-haiku-4-5-20251001"},{"contains":"eu.anthropic.claude-haiku-4-5-20251001"},{"contains":"us-gov.anthropic.claude-haiku-4-5-20251001"},{"contains":"jp.anthropic.claude-haiku-4-5-20251001"}]},"context_window":200000,"prices":{"input_mtok":1.1,"cache_write_mtok":1.375,"cache_read_mtok":0.11,"output_mtok":5.5}},{"id":"regional.anthropic.claude-opus-4-1-20250805-v1:0","match":{"or":[{"starts_with":"anthropic.claude-opus-4-1-20250805"},{"starts_with":"claude-opus-4-1-20250805"},{"contains":"us.anthropic.claude-opus-4-1-20250805"},{"contains":"au.anthropic.claude-opus-4-1-20250805"},{"contains":"apac.anthropic.claude-opus-4-1-20250805"},{"contains":"eu.anthropic.claude-opus-4-1-20250805"},{"contains":"us-gov.anthropic.claude-opus-4-1-20250805"},{"contains":"jp.anthropic.claude-opus-4-1-20250805"}]},"context_window":200000,"prices":{"input_mtok":15,"cache_write_mtok":18.75,"cache_read_mtok":1.5,"output_mtok":75}},{"id":"regional.anthropic.claude-opus-4-20250514-v1:0","match":{"or":[{"starts_with":"anthropic.claude-opus-4-20250514"},{"starts_with":"claude-opus-4-20250514"},{"contains":"us.anthropic.claude-opus-4-20250514"},{"contains":"au.anthropic.claude-opus-4-20250514"},{"contains":"apac.anthropic.claude-opus-4-20250514"},{"contains":"eu.anthropic.claude-opus-4-20250514"},{"contains":"us-gov.anthropic.claude-opus-4-20250514"},{"contains":"jp.anthropic.claude-opus-4-20250514"}]},"context_window":200000,"prices":{"input_mtok":15,"cache_write_mtok":18.75,"cache_read_mtok":1.5,"output_mtok":75}},{"id":"regional.anthropic.claude-opus-4-5-v1:0","match":{"or":[{"starts_with":"anthropic.claude-opus-4-5"},{"starts_with":"claude-opus-4-5"},{"contains":"us.anthropic.claude-opus-4-5"},{"contains":"au.anthropic.claude-opus-4-5"},{"contains":"apac.anthropic.claude-opus-4-5"},{"contains":"eu.anthropic.claude-opus-4-5"},{"contains":"us-gov.anthropic.claude-opus-4-5"},{"contains":"jp.anthropic.claude-opus-4-5"}]},"context_window":200000,"prices":{"input_mtok":5.5,"cache_write_mtok":6.875,"cache_read_mtok":0.55,"output_mtok":27.5}},{"id":"regional.anthropic.claude-opus-4-6-v1:0","match":{"or":[{"starts_with":"anthropic.claude-opus-4-6"},{"starts_with":"claude-opus-4-6"},{"contains":"us.anthropic.claude-opus-4-6"},{"contains":"au.anthropic.claude-opus-4-6"},{"contains":"apac.anthropic.claude-opus-4-6"},{"contains":"eu.anthropic.claude-opus-4-6"},{"contains":"us-gov.anthropic.claude-opus-4-6"},{"contains":"jp.anthropic.claude-opus-4-6"}]},"context_window":1000000,"prices":{"input_mtok":5.5,"cache_write_mtok":6.875,"cache_read_mtok":0.55,"output_mtok":27.5}},{"id":"regional.anthropic.claude-opus-4-7-v1:0","match":{"or":[{"starts_with":"anthropic.claude-opus-4-7"},{"starts_with":"claude-opus-4-7"},{"contains":"us.anthropic.claude-opus-4-7"},{"contains":"au.anthropic.claude-opus-4-7"},{"contains":"apac.anthropic.claude-opus-4-7"},{"contains":"eu.anthropic.claude-opus-4-7"},{"contains":"us-gov.anthropic.claude-opus-4-7"},{"contains":"jp.anthropic.claude-opus-4-7"}]},"context_window":1000000,"prices":{"input_mtok":5.5,"cache_write_mtok":6.875,"cache_read_mtok":0.55,"output_mtok":27.5}},{"id":"regional.anthropic.claude-opus-4-8-v1:0","match":{"or":[{"starts_with":"anthropic.claude-opus-4-8"},{"starts_with":"claude-opus-4-8"},{"contains":"us.anthropic.claude-opus-4-8"},{"contains":"au.anthropic.claude-opus-4-8"},{"contains":"eu.anthropic.claude-opus-4-8"},{"contains":"jp.anthropic.claude-opus-4-8"}]},"context_window":1000000,"prices":{"input_mtok":5.5,"cache_write_mtok":6.875,"cache_read_mtok":0.55,"output_mtok":27.5}},{"id":"regional.anthropic.claude-opus-5","match":{"or":[{"equals":"anthropic.claude-opus-5"},{"equals":"claude-opus-5"},{"starts_with":"anthropic.claude-opus-5-v1"},{"starts_with":"claude-opus-5-v1"},{"equals":"us.anthropic.claude-opus-5"},{"equals":"au.anthropic.claude-opus-5"},{"equals":"eu.anthropic.claude-opus-5"},{"equals":"jp.anthropic.claude-opus-5"},{"contains":"us.anthropic.claude-opus-5-v1"},{"contains":"au.anthropic.claude-opus-5-v1"},{"contains":"eu.anthropic.claude-opus-5-v1"},{"contains":"jp.anthropic.claude-opus-5-v1"}]},"context_window":1000000,"prices":{"input_mtok":5.5,"cache_write_mtok":6.875,"cache_read_mtok":0.55,"output_mtok":27.5}},{"id":"regional.anthropic.claude-opus-5-5","match":{"or":[{"equals":"anthropic.claude-opus-5-5"},{"equals":"claude-opus-5-5"},{"starts_with":"anthropic.claude-opus-5-5-v1"},{"starts_with":"claude-opus-5-5-v1"},{"equals":"us.anthropic.claude-opus-5-5"},{"equals":"au.anthropic.claude-opus-5-5"},{"equals":"eu.anthropic.claude-opus-5-5"},{"equals":"jp.anthropic.claude-opus-5-5"},{"contains":"us.anthropic.claude-opus-5-5-v1"},{"contains":"au.anthropic.claude-opus-5-5-v1"},{"contains":"eu.anthropic.claude-opus-5-5-v1"},{"contains":"jp.anthropic.claude-opus-5-5-v1"}]},"context_window":1000000,"prices":{"input_mtok":4.4,"cache_write_mtok":5.5,"cache_read_mtok":0.22,"output_mtok":22,"cache_write_1h_mtok":8.8}},{"id":"regional.anthropic.claude-sonnet-4-20250514-v1:0","match":{"or":[{"starts_with":"anthropic.claude-sonnet-4-20250514"},{"starts_with":"claude-sonnet-4-20250514"},{"contains":"us.anthropic.claude-sonnet-4-20250514"},{"contains":"au.anthropic.claude-sonnet-4-20250514"},{"contains":"apac.anthropic.claude-sonnet-4-20250514"},{"contains":"eu.anthropic.claude-sonnet-4-20250514"},{"contains":"us-gov.anthropic.claude-sonnet-4-20250514"},{"contains":"jp.anthropic.claude-sonnet-4-20250514"}]},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"regional.anthropic.claude-sonnet-4-5-20250929-v1:0","match":{"or":[{"starts_with":"anthropic.claude-sonnet-4-5-20250929"},{"starts_with":"claude-sonnet-4-5-20250929"},{"contains":"us.anthropic.claude-sonnet-4-5-20250929"},{"contains":"au.anthropic.claude-sonnet-4-5-20250929"},{"contains":"apac.anthropic.claude-sonnet-4-5-20250929"},{"contains":"eu.anthropic.claude-sonnet-4-5-20250929"},{"contains":"us-gov.anthropic.claude-sonnet-4-5-20250929"},{"contains":"jp.anthropic.claude-sonnet-4-5-20250929"}]},"context_window":200000,"prices":{"input_mtok":3.3,"cache_write_mtok":4.125,"cache_read_mtok":0.33,"output_mtok":16.5}},{"id":"regional.anthropic.claude-sonnet-4-6-v1:0","match":{"or":[{"starts_with":"anthropic.claude-sonnet-4-6"},{"starts_with":"claude-sonnet-4-6"},{"contains":"us.anthropic.claude-sonnet-4-6"},{"contains":"au.anthropic.claude-sonnet-4-6"},{"contains":"apac.anthropic.claude-sonnet-4-6"},{"contains":"eu.anthropic.claude-sonnet-4-6"},{"contains":"us-gov.anthropic.claude-sonnet-4-6"},{"contains":"jp.anthropic.claude-sonnet-4-6"}]},"context_window":1000000,"prices":{"input_mtok":3.3,"cache_write_mtok":4.125,"cache_read_mtok":0.33,"output_mtok":16.5}},{"id":"regional.anthropic.claude-sonnet-5-v1:0","match":{"or":[{"starts_with":"anthropic.claude-sonnet-5"},{"starts_with":"claude-sonnet-5"},{"contains":"us.anthropic.claude-sonnet-5"},{"contains":"au.anthropic.claude-sonnet-5"},{"contains":"apac.anthropic.claude-sonnet-5"},{"contains":"eu.anthropic.claude-sonnet-5"},{"contains":"us-gov.anthropic.claude-sonnet-5"},{"contains":"jp.anthropic.claude-sonnet-5"}]},"context_window":1000000,"prices":{"input_mtok":2.2,"cache_write_mtok":2.75,"cache_read_mtok":0.22,"output_mtok":11}},{"id":"regional.openai.gpt-5.6-luna","name":"GPT-5.6 Luna (regional)","match":{"or":[{"starts_with":"openai.gpt-5.6-luna"},{"starts_with":"gpt-5.6-luna"},{"contains":"us.openai.gpt-5.6-luna"},{"contains":"in.openai.gpt-5.6-luna"}]},"context_window":1000000,"prices":[{"prices":{"input_mtok":1.1,"cache_write_mtok":1.375,"cache_read_mtok":0.11,"output_mtok":6.6}},{"constraint":{"start_date":"2026-07-30","type":"start_date"},"prices":{"input_mtok":{"base":0.22,"tiers":[{"start":271999,"price":0.44}]},"cache_write_mtok":{"base":0.275,"tiers":[{"start":271999,"price":0.55}]},"cache_read_mtok":{"base":0.022,"tiers":[{"start":271999,"price":0.044}]},"output_mtok":{"base":1.32,"tiers":[{"start":271999,"price":1.98}]}}}]},{"id":"regional.openai.gpt-5.6-sol","name":"GPT-5.6 Sol (regional)","match":{"or":[{"starts_with":"openai.gpt-5.6-sol"},{"starts_with":"gpt-5.6-sol"},{"contains":"us.openai.gpt-5.6-sol"}]},"context_window":1000000,"prices":[{"prices":{"input_mtok":{"base":5.5,"tiers":[{"start":271999,"price":11}]},"cache_write_mtok":{"base":6.875,"tiers":[{"start":271999,"price":13.75}]},"cache_read_mtok":{"base":0.55,"tiers":[{"start":271999,"price":1.1}]},"output_mtok":{"base":33,"tiers":[{"start":271999,"price":49.5}]}}},{"constraint":{"start_date":"2026-08-21","type":"start_date"},"prices":{"input_mtok":{"base":4.4,"tiers":[{"start":271999,"price":8.8}]},"cache_write_mtok":{"base":5.5,"tiers":[{"start":271999,"price":11}]},"cache_read_mtok":{"base":0.44,"tiers":[{"start":271999,"price":0.88}]},"output_mtok":{"base":22,"tiers":[{"start":271999,"price":33}]}}}]},{"id":"regional.openai.gpt-5.6-terra","name":"GPT-5.6 Terra (regional)","match":{"or":[{"starts_with":"openai.gpt-5.6-terra"},{"starts_with":"gpt-5.6-terra"},{"contains":"us.openai.gpt-5.6-terra"},{"contains":"in.openai.gpt-5.6-terra"}]},"context_window":1000000,"prices":[{"prices":{"input_mtok":2.75,"cache_write_mtok":3.4375,"cache_read_mtok":0.275,"output_mtok":16.5}},{"constraint":{"start_date":"2026-07-30","type":"start_date"},"prices":{"input_mtok":{"base":2.2,"tiers":[{"start":271999,"price":4.4}]},"cache_write_mtok":{"base":2.75,"tiers":[{"start":271999,"price":5.5}]},"cache_read_mtok":{"base":0.22,"tiers":[{"start":271999,"price":0.44}]},"output_mtok":{"base":13.2,"tiers":[{"start":271999,"price":19.8}]}}}]},{"id":"writer.palmyra-x4-v1:0","name":"Palmyra X4","match":{"contains":"writer.palmyra-x4"},"context_window":128000,"prices":{"input_mtok":2.5,"output_mtok":10}},{"id":"writer.palmyra-x5-v1:0","name":"Palmyra X5","match":{"contains":"writer.palmyra-x5"},"context_window":128000,"prices":{"input_mtok":0.6,"output_mtok":6}}]},{"id":"google","name":"Google","api_pattern":"https://(.*\\\\.)?googleapis\\\\.com","model_match":{"contains":"gemini"},"provider_match":{"or":[{"contains":"google"},{"contains":"vertex"},{"contains":"gemini"}]},"fallback_model_providers":["anthropic"],"models":[{"id":"claude-3-5-haiku","match":{"contains":"claude-3-5-haiku"},"context_window":200000,"prices":{"input_mtok":0.8,"cache_write_mtok":1,"cache_read_mtok":0.08,"output_mtok":4}},{"id":"claude-3-5-sonnet","match":{"contains":"claude-3-5-sonnet"},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"claude-3-7-sonnet","match":{"contains":"claude-3-7-sonnet"},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"claude-3-haiku","match":{"contains":"claude-3-haiku"},"context_window":200000,"prices":{"input_mtok":0.25,"cache_write_mtok":0.3,"cache_read_mtok":0.03,"output_mtok":1.25}},{"id":"claude-3-opus","match":{"contains":"claude-3-opus"},"context_window":200000,"prices":{"input_mtok":15,"cache_write_mtok":18.75,"cache_read_mtok":1.5,"output_mtok":75}},{"id":"claude-4-opus","match":{"or":[{"contains":"claude-4-opus"},{"contains":"claude-opus-4@"},{"contains":"claude-opus-4-0"},{"contains":"claude-opus-4-1"},{"equals":"claude-opus-4"}]},"context_window":200000,"prices":{"input_mtok":15,"cache_write_mtok":18.75,"cache_read_mtok":1.5,"output_mtok":75}},{"id":"claude-4-sonnet","match":{"or":[{"contains":"claude-4-sonnet"},{"contains":"claude-sonnet-4-0"},{"contains":"claude-sonnet-4@"},{"contains":"claude-sonnet-4-2025"},{"equals":"claude-sonnet-4"},{"equals":"anthropic/claude-sonnet-4"}]},"context_window":200000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"claude-fable-5","match":{"or":[{"ends_with":"claude-fable-5"},{"contains":"claude-fable-5@"}]},"context_window":1000000,"prices":{"input_mtok":10,"cache_write_mtok":12.5,"cache_read_mtok":1,"output_mtok":50}},{"id":"claude-fable-5-1","match":{"or":[{"ends_with":"claude-fable-5-1"},{"contains":"claude-fable-5-1@"}]},"context_window":1000000,"prices":{"input_mtok":10,"cache_write_mtok":12.5,"cache_read_mtok":0.25,"output_mtok":50}},{"id":"claude-opus-4-6","match":{"or":[{"contains":"claude-4-6-opus"},{"contains":"claude-opus-4-6"},{"contains":"claude-4.6-opus"},{"contains":"claude-opus-4.6"}]},"context_window":1000000,"prices":{"input_mtok":{"base":5,"tiers":[{"start":200000,"price":10}]},"cache_write_mtok":{"base":6.25,"tiers":[{"start":200000,"price":12.5}]},"cache_read_mtok":{"base":0.5,"tiers":[{"start":200000,"price":1}]},"output_mtok":{"base":25,"tiers":[{"start":200000,"price":37.5}]}}},{"id":"claude-opus-4-7","match":{"or":[{"contains":"claude-4-7-opus"},{"contains":"claude-opus-4-7"},{"contains":"claude-4.7-opus"},{"contains":"claude-opus-4.7"}]},"context_window":1000000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25}},{"id":"claude-opus-4-8","match":{"or":[{"contains":"claude-4-8-opus"},{"contains":"claude-opus-4-8"},{"contains":"claude-4.8-opus"},{"contains":"claude-opus-4.8"}]},"context_window":1000000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25}},{"id":"claude-opus-5","match":{"or":[{"contains":"claude-5-opus"},{"ends_with":"claude-opus-5"},{"contains":"claude-opus-5@"},{"contains":"claude-5.0-opus"},{"contains":"claude-opus-5.0"}]},"context_window":1000000,"prices":{"input_mtok":5,"cache_write_mtok":6.25,"cache_read_mtok":0.5,"output_mtok":25}},{"id":"claude-opus-5-5","match":{"or":[{"contains":"claude-5-5-opus"},{"ends_with":"claude-opus-5-5"},{"contains":"claude-opus-5-5@"},{"contains":"claude-5.5-opus"},{"contains":"claude-opus-5.5"}]},"context_window":1000000,"prices":{"input_mtok":4,"cache_write_mtok":5,"cache_read_mtok":0.2,"output_mtok":20}},{"id":"claude-sonnet-4-5","match":{"or":[{"contains":"claude-sonnet-4-5"},{"contains":"claude-sonnet-4.5"}]},"context_window":200000,"prices":{"input_mtok":{"base":3,"tiers":[{"start":200000,"price":6}]},"cache_write_mtok":{"base":3.75,"tiers":[{"start":200000,"price":7.5}]},"cache_read_mtok":{"base":0.3,"tiers":[{"start":200000,"price":0.6}]},"output_mtok":{"base":15,"tiers":[{"start":200000,"price":22.5}]}}},{"id":"claude-sonnet-4-6","match":{"or":[{"contains":"claude-sonnet-4-6"},{"contains":"claude-sonnet-4.6"}]},"context_window":1000000,"prices":{"input_mtok":3,"cache_write_mtok":3.75,"cache_read_mtok":0.3,"output_mtok":15}},{"id":"gemini-1.0-pro-vision-001","name":"gemini 1.0 pro vision","match":{"equals":"gemini-1.0-pro-vision-001"},"context_window":32768,"prices":{"input_mtok":0.125,"output_mtok":0.375}},{"id":"gemini-1.5-flash","name":"gemini 1.5 flash","match":{"contains":"gemini-1.5-flash"},"context_window":1000000,"prices":{"input_mtok":{"base":0.075,"tiers":[{"start":128000,"price":0.15}]},"cache_read_mtok":{"base":0.01875,"tiers":[{"start":128000,"price":0.0375}]},"output_mtok":{"base":0.3,"tiers":[{"start":128000,"price":0.6}]}}},{"id":"gemini-1.5-pro","name":"gemini 1.5 Pro","match":{"contains":"gemini-1.5-pro"},"context_window":1000000,"prices":{"input_mtok":{"base":1.25,"tiers":[{"start":128000,"price":2.5}]},"output_mtok":{"base":5,"tiers":[{"start":128000,"price":10}]}}},{"id":"gemini-2.0-flash","name":"gemini 2.0 flash","match":{"or":[{"ends_with":"gemini-2.0-flash"},{"contains":"gemini-2.0-flash-0"},{"contains":"gemini-2.0-flash-exp"},{"contains":"gemini-2.0-flash-thinking"},{"contains":"gemini-2.0-flash-latest"}]},"context_window":1000000,"prices":{"input_mtok":0.1,"cache_read_mtok":0.025,"output_mtok":0.4,"input_audio_mtok":0.7,"cache_audio_read_mtok":0.175}},{"id":"gemini-2.0-flash-lite","name":"gemini 2.0 flash lite","match":{"contains":"gemini-2.0-flash-lite"},"context_window":1000000,"prices":{"input_mtok":0.075,"output_mtok":0.3}},{"id":"gemini-2.5-flash","name":"Gemini 2.5 Flash","match":{"or":[{"equals":"gemini-2.5-flash"},{"equals":"gemini-2.5-flash-latest"},{"equals":"gemini-2.5-flash-preview-09-2025"}]},"context_window":1048576,"prices":{"input_mtok":0.3,"cache_read_mtok":0.03,"output_mtok":2.5,"input_audio_mtok":1,"cache_audio_read_mtok":0.1}},{"id":"gemini-2.5-flash-image","name":"Gemini 2.5 Flash Image","match":{"or":[{"equals":"gemini-2.5-flash-image"},{"equals":"gemini-2.5-flash-image-preview"}]},"context_window":1000000,"prices":{"input_mtok":0.3,"output_mtok":2.5,"output_image_mtok":30}},{"id":"gemini-2.5-flash-lite","name":"Gemini 2.5 Flash Lite","match":{"or":[{"equals":"gemini-2.5-flash-lite"},{"and":[{"starts_with":"gemini-2.5-flash-lite-preview"},{"regex":"^(?!.*-[tT][tT][sS](?:$|-))"}]}]},"context_window":1000000,"prices":{"input_mtok":0.1,"cache_read_mtok":0.01,"output_mtok":0.4,"input_audio_mtok":0.3,"cache_audio_read_mtok":0.03}},{"id":"gemini-2.5-flash-lite-preview-tts","name":"Gemini 2.5 Flash-Lite Preview TTS","match":{"equals":"gemini-2.5-flash-lite-preview-tts"},"context_window":8192,"prices":{"input_mtok":0.5,"output_mtok":10}},{"id":"gemini-2.5-flash-preview","name":"Gemini 2.5 Flash Preview 05-20","match":{"or":[{"contains":"gemini-2.5-flash-preview-05-20"},{"contains":"gemini-2.5-flash-preview-04-17"},{"equals":"gemini-2.5-flash-preview-05-20:thinking"},{"equals":"gemini-2.5-flash-preview"},{"equals":"gemini-2.5-flash-preview:thinking"}]},"prices":{"input_mtok":0.15,"output_mtok":0.6},"deprecated":true},{"id":"gemini-2.5-flash-tts","name":"Gemini 2.5 Flash TTS","match":{"or":[{"equals":"gemini-2.5-flash-tts"},{"equals":"gemini-2.5-flash-preview-tts"}]},"context_window":8192,"prices":{"input_mtok":0.5,"output_mtok":10}},{"id":"gemini-2.5-pro","name":"Gemini 2.5 Pro","match":{"and":[{"starts_with":"gemini-2.5-pro"},{"regex":"^(?!.*-[tT][tT][sS](?:$|-))"}]},"prices":{"input_mtok":{"base":1.25,"tiers":[{"start":200000,"price":2.5}]},"cache_read_mtok":{"base":0.125,"tiers":[{"start":200000,"price":0.25}]},"output_mtok":{"base":10,"tiers":[{"start":200000,"price":15}]}}},{"id":"gemini-2.5-pro-tts","name":"Gemini 2.5 Pro TTS","match":{"or":[{"equals":"gemini-2.5-pro-tts"},{"equals":"gemini-2.5-pro-preview-tts"}]},"context_window":8192,"prices":{"input_mtok":1,"output_mtok":20}},{"id":"gemini-3-flash-preview","name":"Gemini 3 Flash Preview","match":{"or":[{"equals":"gemini-3-flash-preview"},{"starts_with":"gemini-3-flash-preview-"}]},"context_window":1000000,"prices":{"input_mtok":0.5,"cache_read_mtok":0.05,"output_mtok":3,"input_audio_mtok":1,"cache_audio_read_mtok":0.1}},{"id":"gemini-3-pro-image-preview","name":"Gemini 3 Pro Image Preview","match":{"or":[{"equals":"gemini-3-pro-image"},{"starts_with":"gemini-3-pro-image-preview"}]},"context_window":1000000,"prices":{"input_mtok":2,"output_mtok":12,"output_image_mtok":120}},{"id":"gemini-3-pro-preview","name":"Gemini 3 Pro Preview","match":{"or":[{"starts_with":"gemini-3-pro-preview"},{"equals":"gemini-3-pro-text-preview"}]},"prices":{"input_mtok":{"base":2,"tiers":[{"start":200000,"price":4}]},"cache_read_mtok":{"base":0.2,"tiers":[{"start":200000,"price":0.4}]},"output_mtok":{"base":12,"tiers":[{"start":200000,"price":18}]}}},{"id":"gemini-3.1-flash-image-preview","name":"Gemini 3.1 Flash Image Preview","match":{"or":[{"equals":"gemini-3.1-flash-image"},{"starts_with":"gemini-3.1-flash-image-preview"}]},"context_window":1000000,"prices":{"input_mtok":0.5,"output_mtok":3,"output_image_mtok":60}},{"id":"gemini-3.1-flash-lite","name":"Gemini 3.1 Flash Lite","match":{"or":[{"equals":"gemini-3.1-flash-lite"},{"starts_with":"gemini-3.1-flash-lite-preview"}]},"context_window":1000000,"prices":{"input_mtok":0.25,"cache_read_mtok":0.025,"output_mtok":1.5,"input_audio_mtok":0.5,"cache_audio_read_mtok":0.05}},{"id":"gemini-3.1-flash-lite-image","name":"Gemini 3.1 Flash Lite Image","match":{"starts_with":"gemini-3.1-flash-lite-image"},"prices":{"input_mtok":0.25,"output_mtok":1.5,"output_image_mtok":30}},{"id":"gemini-3.1-flash-live-preview","name":"Gemini 3.1 Flash Live Preview","match":{"starts_with":"gemini-3.1-flash-live-preview"},"prices":{"input_mtok":0.75,"output_mtok":4.5,"input_audio_mtok":3,"output_audio_mtok":12,"input_image_mtok":1,"input_video_mtok":1}},{"id":"gemini-3.1-pro-preview","name":"Gemini 3.1 Pro Preview","match":{"starts_with":"gemini-3.1-pro-preview"},"prices":{"input_mtok":{"base":2,"tiers":[{"start":200000,"price":4}]},"cache_read_mtok":{"base":0.2,"tiers":[{"start":200000,"price":0.4}]},"output_mtok":{"base":12,"tiers":[{"start":200000,"price":18}]}}},{"id":"gemini-3.5-flash","name":"Gemini 3.5 Flash","match":{"or":[{"equals":"gemini-3.5-flash"},{"starts_with":"gemini-3.5-flash-preview"},{"regex":"^gemini-3\\\\.5-flash-\\\\d"}]},"context_window":1000000,"prices":{"input_mtok":1.5,"cache_read_mtok":0.15,"output_mtok":9}},{"id":"gemini-3.5-flash-lite","name":"Gemini 3.5 Flash Lite","match":{"starts_with":"gemini-3.5-flash-lite"},"context_window":1000000,"prices":{"input_mtok":0.3,"cache_read_mtok":0.03,"output_mtok":2.5}},{"id":"gemini-3.6-flash","name":"Gemini 3.6 Flash","match":{"starts_with":"gemini-3.6-flash"},"context_window":1000000,"prices":[{"prices":{"input_mtok":0.75,"cache_read_mtok":0.075,"output_mtok":3.75}},{"constraint":{"start_date":"2027-01-01","type":"start_date"},"prices":{"input_mtok":1.5,"cache_read_mtok":0.15,"output_mtok":7.5}}]},{"id":"gemini-3.7-flash","name":"Gemini 3.7 Flash","match":{"starts_with":"gemini-3.7-flash"},"context_window":1000000,"prices":[{"prices":{"input_mtok":0.75,"cache_read_mtok":0.075,"output_mtok":3.75}},{"constraint":{"start_date":"2027-01-01","type":"start_date"},"prices":{"input_mtok":1.5,"cache_read_mtok":0.15,"output_mtok":7.5}}]},{"id":"gemini-3.8-flash","name":"Gemini 3.8 Flash","match":{"starts_with":"gemini-3.8-flash"},"context_window":1000000,"prices":[{"prices":{"input_mtok":0.75,"cache_read_mtok":0.075,"output_mtok":3.75}},{"constraint":{"start_date":"2027-01-01","type":"start_date"},"prices":{"input_mtok":1.5,"cache_read_mtok":0.15,"output_mtok":7.5}}]},{"id":"gemini-embedding-001","match":{"equals":"gemini-embedding-001"},"prices":{"input_mtok":0.15}},{"id":"gemini-embedding-2","name":"Gemini Embedding 2","match":{"equals":"gemini-embedding-2"},"context_window":8192,"prices":{"input_mtok":0.2,"input_audio_mtok":6.5,"input_image_mtok":0.45,"input_video_mtok":12}},{"id":"gemini-flash-1.5","name":"Gemini 1.5 Flash","match":{"equals":"gemini-flash-1.5"},"prices":{"input_mtok":{"base":0.075,"tiers":[{"start":128000,"price":0.15}]},"cache_read_mtok":{"base":0.01875,"tiers":[{"start":128000,"price":0.0375}]},"output_mtok":{"base":0.3,"tiers":[{"start":128000,"price":0.6}]}}},{"id":"gemini-flash-1.5-8b","name":"gemini 1.5 flash","match":{"equals":"gemini-flash-1.5-8b"},"context_window":1000000,"prices":{"input_mtok":{"base":0.0375,"tiers":[{"start":128000,"price":0.075}]},"cache_read_mtok":{"base":0.01,"tiers":[{"start":128000,"price":0.02}]},"output_mtok":{"base":0.15,"tiers":[{"start":128000,"price":0.3}]}}},{"id":"gemini-live-2.5-flash","name":"Gemini Live 2.5 Flash","match":{"or":[{"starts_with":"gemini-live-2.5-flash"},{"starts_with":"gemini-2.5-flash-native-audio-preview"},{"equals":"gemini-2.5-flash-native-audio-latest"}]},"prices":{"input_mtok":0.5,"output_mtok":2,"input_audio_mtok":3,"output_audio_mtok":12}},{"id":"gemini-omni-flash-preview","name":"Gemini Omni Flash Preview","match":{"starts_with":"gemini-omni-flash-preview"},"prices":{"input_mtok":1.5,"output_mtok":9,"output_video_mtok":17.5}},{"id":"gemini-pro","name":"gemini 1.0 pro","match":{"or":[{"equals":"gemini-pro"},{"equals":"gemini-1.0-pro"}]},"context_window":32768,"prices":{"input_mtok":0.125,"output_mtok":0.375}},{"id":"gemini-pro-1.5","name":"Gemini 1.5 Pro","match":{"equals":"gemini-pro-1.5"},"context_window":2000000,"prices":{"input_mtok":{"base":1.25,"tiers":[{"start":128000,"price":2.5}]},"cache_read_mtok":{"base":0.3125,"tiers":[{"start":128000,"price":0.625}]},"output_mtok":{"base":5,"tiers":[{"start":128000,"price":10}]}}},{"id":"gemma-2-27b-it","name":"Gemma 2 27B","match":{"equals":"gemma-2-27b-it"},"prices":{"input_mtok":0.65,"output_mtok":0.65}},{"id":"gemma-3","name":"Gemma 3 (free)","match":{"or":[{"starts_with":"gemma-3-"},{"equals":"gemma-3"}]},"prices":{}},{"id":"gemma-3n","name":"Gemma 3n (free)","match":{"or":[{"starts_with":"gemma-3n"}]},"prices":{}},{"id":"gemma-4-26b-a4b-it","name":"Gemma 4 26B A4B","match":{"equals":"gemma-4-26b-a4b-it"},"context_window":262144,"prices":{}},{"id":"gemma-4-26b-a4b-it-maas","name":"Gemma 4 26B A4B (Vertex AI MaaS)","match":{"equals":"gemma-4-26b-a4b-it-maas"},"context_window":262144,"prices":{"input_mtok":0.15,"cache_read_mtok":0.015,"output_mtok":0.6}},{"id":"gemma-4-31b-it","name":"Gemma 4 31B","match":{"equals":"gemma-4-31b-it"},"context_window":262144,"prices":{}}]},{"id":"openai","name":"OpenAI","api_pattern":"https://api\\\\.openai\\\\.com","model_match":{"or":[{"starts_with":"gpt-"},{"equals":"whisper-1"},{"regex":"^o[134]"}]},"provider_match":{"contains":"openai"},"models":[{"id":"ada","match":{"or":[{"equals":"ada"},{"equals":"text-ada-001"}]},"prices":{"input_mtok":0.4,"output_mtok":0.4}},{"id":"babbage","match":{"equals":"babbage"},"prices":{"input_mtok":0.5,"output_mtok":0.5}},{"id":"chatgpt-4o-latest","name":"ChatGPT-4o","match":{"equals":"chatgpt-4o-latest"},"context_window":128000,"prices":{"input_mtok":5,"output_mtok":15}},{"id":"codex-mini","name":"Codex Mini","match":{"or":[{"equals":"codex-mini"},{"equals":"codex-mini-latest"}]},"context_window":200000,"prices":{"input_mtok":1.5,"cache_read_mtok":0.375,"output_mtok":6}},{"id":"computer-use","name":"Computer use","match":{"starts_with":"computer-use"},"context_window":8192,"prices":{"input_mtok":3,"output_mtok":12}},{"id":"curie","match":{"or":[{"equals":"curie"},{"equals":"text-curie-001"}]},"prices":{"input_mtok":2,"output_mtok":2}},{"id":"davinci","match":{"or":[{"equals":"davinci"},{"equals":"text-davinci-001"}]},"prices":{"input_mtok":20,"output_mtok":20}},{"id":"ft:gpt-3.5-turbo-","match":{"starts_with":"ft:gpt-3.5-turbo"},"prices":{"input_mtok":3,"output_mtok":6}},{"id":"ft:gpt-4o","match":{"starts_with":"ft:gpt-4o-2024-"},"prices":{"input_mtok":3.75,"output_mtok":15}},{"id":"ft:gpt-4o-mini","match":{"starts_with":"ft:gpt-4o-mini-2024-"},"prices":{"input_mtok":0.3,"output_mtok":1.2}},{"id":"gpt-3.5-0301","match":{"or":[{"equals":"gpt-3.5-turbo-0301"},{"equals":"gpt-3.5-0301"}]},"prices":{"input_mtok":1.5,"output_mtok":2}},{"id":"gpt-3.5-turbo","name":"gpt 3.5 turbo","match":{"or":[{"equals":"gpt-3.5-turbo"},{"equals":"gpt-35-turbo"},{"equals":"gpt-3.5-turbo-0125"}]},"context_window":16385,"prices":{"input_mtok":0.5,"output_mtok":1.5}},{"id":"gpt-3.5-turbo-0613","match":{"equals":"gpt-3.5-turbo-0613"},"context_window":16385,"prices":{"input_mtok":1.5,"output_mtok":2}},{"id":"gpt-3.5-turbo-1106","match":{"equals":"gpt-3.5-turbo-1106"},"context_window":16385,"prices":{"input_mtok":1,"output_mtok":2}},{"id":"gpt-3.5-turbo-16k","name":"GPT-3.5 Turbo 16k","match":{"or":[{"equals":"gpt-3.5-turbo-16k"},{"equals":"gpt-3.5-turbo-16k-0613"},{"equals":"gpt-35-turbo-16k-0613"},{"equals":"gpt-35-turbo-16k"}]},"context_window":16385,"prices":{"input_mtok":3,"output_mtok":4}},{"id":"gpt-3.5-turbo-instruct","name":"gpt 3.5 turbo instruct","match":{"or":[{"starts_with":"gpt-3.5-turbo-instruct"},{"equals":"gpt-3.5-turbo-instruct-0914"}]},"context_window":16385,"prices":{"input_mtok":1.5,"output_mtok":2}},{"id":"gpt-4","name":"gpt 4","match":{"or":[{"equals":"gpt-4"},{"equals":"gpt-4-0314"},{"equals":"gpt-4-0613"},{"starts_with":"ft:gpt-4-0"}]},"context_window":8192,"prices":{"input_mtok":30,"output_mtok":60}},{"id":"gpt-4-32k","name":"gpt 4","match":{"or":[{"equals":"gpt-4-32k"},{"equals":"gpt-4-32k-0314"},{"equals":"gpt-4-32k-0613"}]},"context_window":32000,"prices":{"input_mtok":60,"output_mtok":120}},{"id":"gpt-4-turbo","name":"gpt 4 turbo","match":{"or":[{"equals":"gpt-4-turbo"},{"equals":"gpt-4-turbo-2024-04-09"},{"equals":"gpt-4-turbo-0125-preview"},{"equals":"gpt-4-0125-preview"},{"equals":"gpt-4-1106-preview"},{"equals":"gpt-4-turbo-preview"}]},"context_window":128000,"prices":{"input_mtok":10,"output_mtok":30}},{"id":"gpt-4-vision-preview","name":"gpt 4 vision","match":{"or":[{"equals":"gpt-4-vision-preview"},{"equals":"gpt-4-1106-vision-preview"}]},"context_window":128000,"prices":{"input_mtok":10,"output_mtok":30}},{"id":"gpt-4.1","name":"gpt 4.1","match":{"or":[{"equals":"gpt-4.1"},{"equals":"gpt-4.1-2025-04-14"}]},"context_window":1000000,"prices":{"input_mtok":2,"cache_read_mtok":0.5,"output_mtok":8,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-4.1-mini","name":"gpt 4.1 mini","match":{"or":[{"equals":"gpt-4.1-mini"},{"equals":"gpt-4.1-mini-2025-04-14"}]},"context_window":1000000,"prices":{"input_mtok":0.4,"cache_read_mtok":0.1,"output_mtok":1.6,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-4.1-nano","name":"gpt 4.1 nano","match":{"or":[{"equals":"gpt-4.1-nano"},{"equals":"gpt-4.1-nano-2025-04-14"}]},"context_window":1000000,"prices":{"input_mtok":0.1,"cache_read_mtok":0.025,"output_mtok":0.4}},{"id":"gpt-4.5-preview","name":"GPT-4.5 (Preview)","match":{"starts_with":"gpt-4.5-preview"},"prices":{"input_mtok":75,"cache_read_mtok":37.5,"output_mtok":150}},{"id":"gpt-4o","name":"gpt 4o","match":{"or":[{"equals":"gpt-4o"},{"equals":"gpt-4o-2024-08-06"},{"equals":"gpt-4o-2024-11-20"}]},"context_window":128000,"prices":{"input_mtok":2.5,"cache_read_mtok":1.25,"output_mtok":10,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-4o-2024-05-13","name":"gpt 4o (2024-05-13)","match":{"equals":"gpt-4o-2024-05-13"},"context_window":128000,"prices":{"input_mtok":5,"output_mtok":15,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-4o-audio-preview","name":"gpt 4o audio preview","match":{"starts_with":"gpt-4o-audio-preview"},"context_window":128000,"prices":{"input_mtok":2.5,"output_mtok":10}},{"id":"gpt-4o-mini","name":"gpt 4o mini","match":{"or":[{"equals":"gpt-4o-mini"},{"equals":"gpt-4o-mini-2024-07-18"},{"equals":"gpt-4o-mini-search-preview"},{"equals":"gpt-4o-mini-search-preview-2025-03-11"}]},"context_window":128000,"prices":{"input_mtok":0.15,"cache_read_mtok":0.075,"output_mtok":0.6,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-4o-mini-2024-07-18.ft-","match":{"starts_with":"gpt-4o-mini-2024-07-18.ft-"},"prices":{"input_mtok":0.3,"output_mtok":1.2}},{"id":"gpt-4o-mini-audio-preview","name":"gpt 4o mini audio preview","match":{"starts_with":"gpt-4o-mini-audio"},"context_window":128000,"prices":{"input_mtok":0.15,"output_mtok":0.6}},{"id":"gpt-4o-mini-realtime-preview","match":{"starts_with":"gpt-4o-mini-realtime"},"context_window":16000,"prices":{"input_mtok":0.6,"cache_read_mtok":0.3,"output_mtok":2.4,"input_audio_mtok":10,"cache_audio_read_mtok":0.3,"output_audio_mtok":20}},{"id":"gpt-4o-mini-transcribe","match":{"equals":"gpt-4o-mini-transcribe"},"context_window":16000,"prices":{"input_mtok":1.25,"output_mtok":5,"input_audio_mtok":3}},{"id":"gpt-4o-mini-tts","match":{"equals":"gpt-4o-mini-tts"},"prices":{"input_mtok":0.6,"output_mtok":12}},{"id":"gpt-4o-realtime-preview","match":{"starts_with":"gpt-4o-realtime"},"context_window":32000,"prices":{"input_mtok":5,"cache_read_mtok":2.5,"output_mtok":20,"input_audio_mtok":40,"cache_audio_read_mtok":2.5,"output_audio_mtok":80}},{"id":"gpt-4o-search-preview","name":"GPT-4o Search Preview","match":{"or":[{"equals":"gpt-4o-search-preview"},{"equals":"gpt-4o-search-preview-2025-03-11"}]},"context_window":128000,"prices":{"input_mtok":2.5,"output_mtok":10}},{"id":"gpt-4o-transcribe","match":{"or":[{"equals":"gpt-4o-transcribe"},{"equals":"gpt-4o-transcribe-diarize"}]},"context_window":16000,"prices":{"input_mtok":2.5,"output_mtok":10,"input_audio_mtok":6}},{"id":"gpt-4o:extended","name":"GPT-4o (extended)","match":{"equals":"gpt-4o:extended"},"prices":{"input_mtok":6,"output_mtok":18}},{"id":"gpt-5","name":"GPT-5","match":{"or":[{"equals":"gpt-5"},{"equals":"gpt-5-2025-08-07"},{"equals":"gpt-5-chat"},{"equals":"gpt-5-chat-latest"},{"equals":"gpt-5-codex"}]},"context_window":400000,"prices":{"input_mtok":1.25,"cache_read_mtok":0.125,"output_mtok":10,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5-image","match":{"equals":"gpt-5-image"},"prices":{"input_mtok":10,"cache_read_mtok":1.25,"output_mtok":10}},{"id":"gpt-5-image-mini","match":{"equals":"gpt-5-image-mini"},"prices":{"input_mtok":2.5,"cache_read_mtok":0.25,"output_mtok":2}},{"id":"gpt-5-mini","name":"GPT-5 mini","match":{"or":[{"equals":"gpt-5-mini"},{"equals":"gpt-5-mini-2025-08-07"}]},"context_window":400000,"prices":{"input_mtok":0.25,"cache_read_mtok":0.025,"output_mtok":2,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5-nano","name":"GPT-5 nano","match":{"or":[{"equals":"gpt-5-nano"},{"starts_with":"gpt-5-nano-"}]},"context_window":400000,"prices":{"input_mtok":0.05,"cache_read_mtok":0.005,"output_mtok":0.4,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5-pro","match":{"or":[{"equals":"gpt-5-pro"},{"equals":"gpt-5-pro-2025-10-06"}]},"context_window":400000,"prices":{"input_mtok":15,"output_mtok":120,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5.1","name":"GPT-5.1","match":{"or":[{"equals":"gpt-5.1"},{"equals":"gpt-5.1-2025-11-13"},{"equals":"gpt-5.1-codex"},{"equals":"gpt-5.1-codex-max"},{"equals":"gpt-5.1-chat"},{"equals":"gpt-5.1-chat-latest"},{"equals":"gpt-5-1"},{"equals":"gpt-5-1-2025-11-13"},{"equals":"gpt-5-1-codex"},{"equals":"gpt-5-1-codex-max"},{"equals":"gpt-5-1-chat"},{"equals":"gpt-5-1-chat-latest"}]},"context_window":400000,"prices":{"input_mtok":1.25,"cache_read_mtok":0.125,"output_mtok":10,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5.1-codex-mini","name":"GPT-5.1 Codex Mini","match":{"or":[{"equals":"gpt-5.1-codex-mini"},{"equals":"gpt-5.1-mini"},{"equals":"gpt-5-1-codex-mini"},{"equals":"gpt-5-1-mini"}]},"context_window":400000,"prices":{"input_mtok":0.25,"cache_read_mtok":0.025,"output_mtok":2}},{"id":"gpt-5.2","name":"GPT-5.2","match":{"or":[{"equals":"gpt-5.2"},{"equals":"gpt-5.2-2025-12-11"},{"equals":"gpt-5-2"},{"equals":"gpt-5-2-2025-12-11"},{"equals":"gpt-5.2-chat"},{"equals":"gpt-5.2-chat-latest"},{"equals":"gpt-5-2-chat"},{"equals":"gpt-5-2-chat-latest"},{"equals":"gpt-5.2-codex"},{"equals":"gpt-5-2-codex"}]},"context_window":400000,"prices":{"input_mtok":1.75,"cache_read_mtok":0.175,"output_mtok":14,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5.2-pro","match":{"or":[{"equals":"gpt-5.2-pro"},{"equals":"gpt-5.2-pro-2025-12-11"},{"equals":"gpt-5-2-pro-2025-12-11"}]},"context_window":400000,"prices":{"input_mtok":21,"output_mtok":168,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5.3","name":"GPT-5.3 Chat","match":{"or":[{"equals":"gpt-5.3"},{"equals":"gpt-5-3"},{"equals":"gpt-5.3-chat"},{"equals":"gpt-5.3-chat-latest"},{"equals":"gpt-5-3-chat"},{"equals":"gpt-5-3-chat-latest"}]},"context_window":128000,"prices":{"input_mtok":1.75,"cache_read_mtok":0.175,"output_mtok":14}},{"id":"gpt-5.3-codex","name":"GPT-5.3-Codex","match":{"or":[{"equals":"gpt-5.3-codex"},{"equals":"gpt-5-3-codex"}]},"context_window":400000,"prices":{"input_mtok":1.75,"cache_read_mtok":0.175,"output_mtok":14}},{"id":"gpt-5.4","name":"GPT-5.4","match":{"or":[{"equals":"gpt-5.4"},{"equals":"gpt-5.4-2026-03-05"},{"equals":"gpt-5-4"},{"equals":"gpt-5-4-2026-03-05"}]},"context_window":1050000,"prices":{"input_mtok":{"base":2.5,"tiers":[{"start":271999,"price":5}]},"cache_read_mtok":{"base":0.25,"tiers":[{"start":271999,"price":0.5}]},"output_mtok":{"base":15,"tiers":[{"start":271999,"price":22.5}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5.4-image-2","name":"GPT-5.4 Image 2","match":{"equals":"gpt-5.4-image-2"},"prices":{"input_mtok":8,"cache_read_mtok":2,"output_mtok":15}},{"id":"gpt-5.4-mini","name":"GPT-5.4 mini","match":{"or":[{"equals":"gpt-5.4-mini"},{"equals":"gpt-5.4-mini-2026-03-17"},{"equals":"gpt-5-4-mini"},{"equals":"gpt-5-4-mini-2026-03-17"}]},"context_window":400000,"prices":{"input_mtok":0.75,"cache_read_mtok":0.075,"output_mtok":4.5,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5.4-nano","name":"GPT-5.4 nano","match":{"or":[{"equals":"gpt-5.4-nano"},{"equals":"gpt-5.4-nano-2026-03-17"},{"equals":"gpt-5-4-nano"},{"equals":"gpt-5-4-nano-2026-03-17"}]},"context_window":400000,"prices":{"input_mtok":0.2,"cache_read_mtok":0.02,"output_mtok":1.25,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5.4-pro","name":"GPT-5.4 Pro","match":{"or":[{"equals":"gpt-5.4-pro"},{"equals":"gpt-5.4-pro-2026-03-05"},{"equals":"gpt-5-4-pro"},{"equals":"gpt-5-4-pro-2026-03-05"}]},"context_window":1050000,"prices":{"input_mtok":{"base":30,"tiers":[{"start":271999,"price":60}]},"output_mtok":{"base":180,"tiers":[{"start":271999,"price":270}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5.5","name":"GPT-5.5","match":{"or":[{"equals":"gpt-5.5"},{"equals":"gpt-5.5-2026-04-23"},{"equals":"gpt-5.5-2026-04-24"},{"equals":"gpt-5-5"},{"equals":"gpt-5-5-2026-04-23"},{"equals":"gpt-5-5-2026-04-24"},{"equals":"gpt-5.5-chat"},{"equals":"gpt-5.5-chat-latest"},{"equals":"gpt-5-5-chat"},{"equals":"gpt-5-5-chat-latest"},{"equals":"gpt-5.5-codex"},{"equals":"gpt-5-5-codex"}]},"context_window":1000000,"prices":{"input_mtok":{"base":5,"tiers":[{"start":271999,"price":10}]},"cache_read_mtok":{"base":0.5,"tiers":[{"start":271999,"price":1}]},"output_mtok":{"base":30,"tiers":[{"start":271999,"price":45}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5.5-pro","name":"GPT-5.5 Pro","match":{"or":[{"equals":"gpt-5.5-pro"},{"equals":"gpt-5.5-pro-2026-04-23"},{"equals":"gpt-5-5-pro"},{"equals":"gpt-5-5-pro-2026-04-23"}]},"context_window":1000000,"prices":{"input_mtok":{"base":30,"tiers":[{"start":271999,"price":60}]},"output_mtok":{"base":180,"tiers":[{"start":271999,"price":270}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-5.6-luna","name":"GPT-5.6 Luna","match":{"or":[{"equals":"gpt-5.6-luna"},{"equals":"gpt-5-6-luna"},{"regex":"^gpt-5\\\\.6-luna-\\\\d{4}-\\\\d{2}-\\\\d{2}$"},{"regex":"^gpt-5-6-luna-\\\\d{4}-\\\\d{2}-\\\\d{2}$"}]},"context_window":1050000,"prices":[{"prices":{"input_mtok":{"base":1,"tiers":[{"start":271999,"price":2}]},"cache_write_mtok":{"base":1.25,"tiers":[{"start":271999,"price":2.5}]},"cache_read_mtok":{"base":0.1,"tiers":[{"start":271999,"price":0.2}]},"output_mtok":{"base":6,"tiers":[{"start":271999,"price":9}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"constraint":{"start_date":"2026-07-30","type":"start_date"},"prices":{"input_mtok":{"base":0.2,"tiers":[{"start":271999,"price":0.4}]},"cache_write_mtok":{"base":0.25,"tiers":[{"start":271999,"price":0.5}]},"cache_read_mtok":{"base":0.02,"tiers":[{"start":271999,"price":0.04}]},"output_mtok":{"base":1.2,"tiers":[{"start":271999,"price":1.8}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}}]},{"id":"gpt-5.6-sol","name":"GPT-5.6 Sol","match":{"or":[{"equals":"gpt-5.6-sol"},{"equals":"gpt-5-6-sol"},{"equals":"gpt-5.6"},{"equals":"gpt-5-6"},{"regex":"^gpt-5\\\\.6-sol-\\\\d{4}-\\\\d{2}-\\\\d{2}$"},{"regex":"^gpt-5-6-sol-\\\\d{4}-\\\\d{2}-\\\\d{2}$"}]},"context_window":1050000,"prices":[{"prices":{"input_mtok":{"base":5,"tiers":[{"start":271999,"price":10}]},"cache_write_mtok":{"base":6.25,"tiers":[{"start":271999,"price":12.5}]},"cache_read_mtok":{"base":0.5,"tiers":[{"start":271999,"price":1}]},"output_mtok":{"base":30,"tiers":[{"start":271999,"price":45}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"constraint":{"start_date":"2026-08-21","type":"start_date"},"prices":{"input_mtok":{"base":4,"tiers":[{"start":271999,"price":8}]},"cache_write_mtok":{"base":5,"tiers":[{"start":271999,"price":10}]},"cache_read_mtok":{"base":0.4,"tiers":[{"start":271999,"price":0.8}]},"output_mtok":{"base":20,"tiers":[{"start":271999,"price":30}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}}]},{"id":"gpt-5.6-terra","name":"GPT-5.6 Terra","match":{"or":[{"equals":"gpt-5.6-terra"},{"equals":"gpt-5-6-terra"},{"regex":"^gpt-5\\\\.6-terra-\\\\d{4}-\\\\d{2}-\\\\d{2}$"},{"regex":"^gpt-5-6-terra-\\\\d{4}-\\\\d{2}-\\\\d{2}$"}]},"context_window":1050000,"prices":[{"prices":{"input_mtok":{"base":2.5,"tiers":[{"start":271999,"price":5}]},"cache_write_mtok":{"base":3.125,"tiers":[{"start":271999,"price":6.25}]},"cache_read_mtok":{"base":0.25,"tiers":[{"start":271999,"price":0.5}]},"output_mtok":{"base":15,"tiers":[{"start":271999,"price":22.5}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"constraint":{"start_date":"2026-07-30","type":"start_date"},"prices":{"input_mtok":{"base":2,"tiers":[{"start":271999,"price":4}]},"cache_write_mtok":{"base":2.5,"tiers":[{"start":271999,"price":5}]},"cache_read_mtok":{"base":0.2,"tiers":[{"start":271999,"price":0.4}]},"output_mtok":{"base":12,"tiers":[{"start":271999,"price":18}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}}]},{"id":"gpt-6-astra","name":"GPT-6 Astra","match":{"or":[{"equals":"gpt-6-astra"},{"regex":"^gpt-6-astra-\\\\d{4}-\\\\d{2}-\\\\d{2}$"}]},"context_window":1050000,"prices":{"input_mtok":{"base":10,"tiers":[{"start":271999,"price":20}]},"cache_write_mtok":{"base":12.5,"tiers":[{"start":271999,"price":25}]},"cache_read_mtok":{"base":1,"tiers":[{"start":271999,"price":2}]},"output_mtok":{"base":50,"tiers":[{"start":271999,"price":75}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-6-luna","name":"GPT-6 Luna","match":{"or":[{"equals":"gpt-6-luna"},{"regex":"^gpt-6-luna-\\\\d{4}-\\\\d{2}-\\\\d{2}$"}]},"context_window":1050000,"prices":{"input_mtok":{"base":0.1,"tiers":[{"start":272000,"price":0.2}]},"cache_write_mtok":{"base":0.125,"tiers":[{"start":272000,"price":0.25}]},"cache_read_mtok":{"base":0.01,"tiers":[{"start":272000,"price":0.02}]},"output_mtok":{"base":0.5,"tiers":[{"start":272000,"price":0.75}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-6-sol","name":"GPT-6 Sol","match":{"or":[{"equals":"gpt-6-sol"},{"regex":"^gpt-6-sol-\\\\d{4}-\\\\d{2}-\\\\d{2}$"}]},"context_window":1050000,"prices":{"input_mtok":{"base":2,"tiers":[{"start":272000,"price":4}]},"cache_write_mtok":{"base":2.5,"tiers":[{"start":272000,"price":5}]},"cache_read_mtok":{"base":0.2,"tiers":[{"start":272000,"price":0.4}]},"output_mtok":{"base":10,"tiers":[{"start":272000,"price":15}]},"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"gpt-audio","name":"GPT Audio","match":{"or":[{"equals":"gpt-audio"},{"equals":"gpt-audio-2025-08-28"},{"equals":"gpt-audio-1.5"}]},"context_window":128000,"prices":{"input_mtok":2.5,"output_mtok":10,"input_audio_mtok":32,"output_audio_mtok":64}},{"id":"gpt-audio-mini","name":"GPT Audio Mini","match":{"or":[{"equals":"gpt-audio-mini"},{"equals":"gpt-audio-mini-2025-10-06"},{"equals":"gpt-audio-mini-2025-12-15"}]},"context_window":128000,"prices":{"input_mtok":0.6,"output_mtok":2.4,"input_audio_mtok":10,"output_audio_mtok":20}},{"id":"gpt-chat-latest","name":"GPT Chat Latest","match":{"equals":"gpt-chat-latest"},"prices":{"input_mtok":5,"cache_read_mtok":0.5,"output_mtok":30}},{"id":"gpt-image-1","name":"GPT Image 1","match":{"equals":"gpt-image-1"},"prices":{"input_mtok":5,"cache_read_mtok":1.25,"output_mtok":40,"input_image_mtok":10,"cache_image_read_mtok":2.5}},{"id":"gpt-image-1-mini","name":"GPT Image 1 Mini","match":{"or":[{"equals":"gpt-image-1-mini"}]},"prices":{"input_mtok":2,"cache_read_mtok":0.2,"output_mtok":8,"input_image_mtok":2.5,"cache_image_read_mtok":0.25}},{"id":"gpt-image-1.5","name":"GPT Image 1.5","match":{"or":[{"equals":"gpt-image-1.5"},{"equals":"gpt-image-1.5-2025-12-16"}]},"prices":{"input_mtok":5,"cache_read_mtok":1.25,"output_mtok":10,"input_image_mtok":8,"cache_image_read_mtok":2,"output_image_mtok":32}},{"id":"gpt-image-2","name":"GPT Image 2","match":{"or":[{"equals":"gpt-image-2"},{"equals":"gpt-image-2-2026-04-21"}]},"prices":{"input_mtok":5,"cache_read_mtok":1.25,"output_mtok":30,"input_image_mtok":8,"cache_image_read_mtok":2}},{"id":"gpt-oss-120b","name":"gpt-oss-120b","match":{"equals":"gpt-oss-120b"},"context_window":131072,"prices":{"input_mtok":0.039,"output_mtok":0.18}},{"id":"gpt-oss-20b","name":"gpt-oss-20b","match":{"equals":"gpt-oss-20b"},"context_window":131072,"prices":{"input_mtok":0.029,"output_mtok":0.14}},{"id":"gpt-oss-safeguard-20b","name":"gpt-oss-safeguard-20b","match":{"equals":"gpt-oss-safeguard-20b"},"context_window":131072,"prices":{"input_mtok":0.075,"cache_read_mtok":0.037,"output_mtok":0.3}},{"id":"gpt-realtime","match":{"or":[{"equals":"gpt-realtime"},{"equals":"gpt-realtime-2025-08-28"},{"equals":"gpt-realtime-1.5"}]},"context_window":32000,"prices":{"input_mtok":4,"cache_read_mtok":0.4,"output_mtok":16,"input_audio_mtok":32,"cache_audio_read_mtok":0.4,"output_audio_mtok":64,"input_image_mtok":5,"cache_image_read_mtok":0.5}},{"id":"gpt-realtime-2","match":{"or":[{"equals":"gpt-realtime-2"},{"equals":"gpt-realtime-2.1"}]},"context_window":128000,"prices":{"input_mtok":4,"cache_read_mtok":0.4,"output_mtok":24,"input_audio_mtok":32,"cache_audio_read_mtok":0.4,"output_audio_mtok":64,"input_image_mtok":5,"cache_image_read_mtok":0.5}},{"id":"gpt-realtime-mini","match":{"or":[{"equals":"gpt-realtime-mini"},{"equals":"gpt-realtime-2.1-mini"},{"equals":"gpt-realtime-mini-2025-12-15"},{"equals":"gpt-realtime-mini-2025-10-06"}]},"prices":{"input_mtok":0.6,"cache_read_mtok":0.06,"output_mtok":2.4,"input_audio_mtok":10,"cache_audio_read_mtok":0.3,"output_audio_mtok":20,"input_image_mtok":0.8,"cache_image_read_mtok":0.08}},{"id":"gpt-transcribe","match":{"equals":"gpt-transcribe"},"prices":{"audio_hours":0.27,"input_audio_hours":0.27}},{"id":"moderation","match":{"contains":"moderation"},"prices":{}},{"id":"o1","name":"o1","match":{"or":[{"equals":"o1"},{"equals":"o1-2024-12-17"}]},"context_window":200000,"prices":{"input_mtok":15,"cache_read_mtok":7.5,"output_mtok":60}},{"id":"o1-mini","name":"o1 mini","match":{"or":[{"equals":"o1-mini"},{"equals":"o1-mini-2024-09-12"}]},"context_window":128000,"prices":{"input_mtok":1.1,"cache_read_mtok":0.55,"output_mtok":4.4}},{"id":"o1-preview","name":"o1 preview","match":{"or":[{"equals":"o1-preview"},{"equals":"o1-preview-2024-09-12"}]},"context_window":128000,"prices":{"input_mtok":15,"cache_read_mtok":7.5,"output_mtok":60}},{"id":"o1-pro","name":"o1-pro","match":{"or":[{"equals":"o1-pro"},{"equals":"o1-pro-2025-03-19"}]},"context_window":200000,"prices":{"input_mtok":150,"output_mtok":600}},{"id":"o3","name":"o3","match":{"or":[{"equals":"o3"},{"equals":"o3-2025-04-16"}]},"context_window":200000,"prices":[{"prices":{"input_mtok":10,"cache_read_mtok":0.5,"output_mtok":40,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"constraint":{"start_date":"2025-06-10","type":"start_date"},"prices":{"input_mtok":2,"cache_read_mtok":0.5,"output_mtok":8,"web_searches_kcount":10,"storage_searches_kcount":2.5}}]},{"id":"o3-deep-research","match":{"or":[{"equals":"o3-deep-research"},{"equals":"o3-deep-research-2025-06-26"}]},"context_window":200000,"prices":{"input_mtok":10,"cache_read_mtok":2.5,"output_mtok":40}},{"id":"o3-mini","name":"o3 Mini","match":{"or":[{"equals":"o3-mini"},{"equals":"o3-mini-2025-01-31"},{"equals":"o3-mini-high"}]},"context_window":200000,"prices":{"input_mtok":1.1,"cache_read_mtok":0.55,"output_mtok":4.4}},{"id":"o3-pro","name":"o3 Pro","match":{"or":[{"equals":"o3-pro"},{"equals":"o3-pro-2025-06-10"}]},"context_window":200000,"prices":{"input_mtok":20,"output_mtok":80}},{"id":"o4-mini","name":"o4 Mini High","match":{"or":[{"equals":"o4-mini-2025-04-16"},{"equals":"o4-mini-high"},{"equals":"o4-mini"}]},"context_window":200000,"prices":{"input_mtok":1.1,"cache_read_mtok":0.275,"output_mtok":4.4,"web_searches_kcount":10,"storage_searches_kcount":2.5}},{"id":"o4-mini-deep-research","match":{"or":[{"equals":"o4-mini-deep-research"},{"equals":"o4-mini-deep-research-2025-06-26"}]},"context_window":200000,"prices":{"input_mtok":2,"cache_read_mtok":0.5,"output_mtok":8}},{"id":"text-davinci-002","match":{"equals":"text-davinci-002"},"prices":{"input_mtok":20,"output_mtok":20}},{"id":"text-davinci-003","match":{"equals":"text-davinci-003"},"prices":{"input_mtok":20,"output_mtok":20}},{"id":"text-embedding-3-large","name":"text embedding 3","match":{"equals":"text-embedding-3-large"},"context_window":8192,"prices":{"input_mtok":0.13}},{"id":"text-embedding-3-small","name":"text embedding 3","match":{"equals":"text-embedding-3-small"},"context_window":8192,"prices":{"input_mtok":0.02}},{"id":"text-embedding-ada-002","name":"text embedding ada","match":{"or":[{"equals":"text-embedding-ada"},{"equals":"text-embedding-ada-002"},{"equals":"text-embedding-ada-002-v2"}]},"context_window":8192,"prices":{"input_mtok":0.1}},{"id":"whisper-1","match":{"equals":"whisper-1"},"prices":{"audio_hours":0.36,"input_audio_hours":0.36}}]},{"id":"deepseek","name":"Deepseek","api_pattern":"https://api\\\\.deepseek\\\\.com","model_match":{"starts_with":"deepseek"},"models":[{"id":"deepseek-chat","name":"DeepSeek Chat","match":{"or":[{"starts_with":"deepseek-chat"},{"equals":"deepseek-chat-v3-0324"}]},"context_window":64000,"prices":[{"prices":{"input_mtok":0.135,"cache_read_mtok":0.035,"output_mtok":0.55}},{"constraint":{"start_time":"00:30:00Z","end_time":"16:30:00Z","type":"time_of_date"},"prices":{"input_mtok":0.27,"cache_read_mtok":0.07,"output_mtok":1.1}}]},{"id":"deepseek-reasoner","name":"Deepseek R1","match":{"or":[{"equals":"deepseek-reasoner"},{"starts_with":"deepseek-r1"},{"equals":"deepseek-r1-0528"}]},"context_window":64000,"prices":[{"prices":{"input_mtok":0.135,"cache_read_mtok":0.035,"output_mtok":0.55}},{"constraint":{"start_time":"00:30:00Z","end_time":"16:30:00Z","type":"time_of_date"},"prices":{"input_mtok":0.55,"cache_read_mtok":0.14,"output_mtok":2.19}}]},{"id":"deepseek-v3.1-terminus","name":"DeepSeek V3.1 Terminus","match":{"equals":"deepseek-v3.1-terminus"},"context_window":128000,"prices":{"input_mtok":0.27,"cache_read_mtok":0.13,"output_mtok":0.95}},{"id":"deepseek-v3.2","name":"DeepSeek V3.2","match":{"equals":"deepseek-v3.2"},"context_window":128000,"prices":{"input_mtok":0.2288,"output_mtok":0.3432}},{"id":"deepseek-v3.2-exp","name":"DeepSeek V3.2 Exp","match":{"equals":"deepseek-v3.2-exp"},"context_window":128000,"prices":{"input_mtok":0.27,"output_mtok":0.41}},{"id":"deepseek-v4-flash","name":"DeepSeek V4 Flash","match":{"or":[{"starts_with":"deepseek-v4-flash"}]},"context_window":1000000,"prices":[{"prices":{"input_mtok":0.14,"cache_read_mtok":0.0028,"output_mtok":0.28}},{"constraint":{"start_date":"2026-08-17","type":"start_date"},"prices":{"input_mtok":0.22,"cache_read_mtok":0.007,"output_mtok":0.66}},{"constraint":{"start_time":"01:00:00Z","end_time":"04:00:00Z","type":"time_of_date"},"prices":{"input_mtok":0.44,"cache_read_mtok":0.014,"output_mtok":1.32}},{"constraint":{"start_time":"06:00:00Z","end_time":"10:00:00Z","type":"time_of_date"},"prices":{"input_mtok":0.44,"cache_read_mtok":0.014,"output_mtok":1.32}}]},{"id":"deepseek-v4-pro","name":"DeepSeek V4 Pro","match":{"or":[{"starts_with":"deepseek-v4-pro"}]},"context_window":1000000,"prices":[{"prices":{"input_mtok":0.435,"cache_read_mtok":0.003625,"output_mtok":0.87}},{"constraint":{"start_date":"2026-08-17","type":"start_date"},"prices":{"input_mtok":0.66,"cache_read_mtok":0.022,"output_mtok":1.98}},{"constraint":{"start_time":"01:00:00Z","end_time":"04:00:00Z","type":"time_of_date"},"prices":{"input_mtok":1.32,"cache_read_mtok":0.044,"output_mtok":3.96}},{"constraint":{"start_time":"06:00:00Z","end_time":"10:00:00Z","type":"time_of_date"},"prices":{"input_mtok":1.32,"cache_read_mtok":0.044,"output_mtok":3.96}}]}]},{"id":"x-ai","name":"X AI","api_pattern":"https://api\\\\.x\\\\.ai","model_match":{"contains":"grok"},"provider_match":{"equals":"xai"},"models":[{"id":"grok-2-1212","name":"Grok 2 1212","match":{"or":[{"equals":"grok-2-1212"},{"equals":"grok-2"},{"equals":"grok-2-latest"}]},"context_window":32768,"prices":{"input_mtok":2,"output_mtok":10},"deprecated":true},{"id":"grok-2-vision-1212","name":"Grok 2 Vision 1212","match":{"or":[{"equals":"grok-2-vision-1212"},{"equals":"grok-2-vision"},{"equals":"grok-2-vision-latest"}]},"context_window":32768,"prices":{"input_mtok":2,"output_mtok":10}},{"id":"grok-3","name":"Grok 3","match":{"or":[{"equals":"grok-3"},{"equals":"grok-3-latest"},{"equals":"grok-3-beta"}]},"context_window":131072,"prices":{"input_mtok":3,"cache_read_mtok":0.75,"output_mtok":15}},{"id":"grok-3-fast","name":"Grok 3 Fast","match":{"or":[{"equals":"grok-3-fast"},{"equals":"grok-3-fast-latest"},{"equals":"grok-3-fast-beta"}]},"context_window":131072,"prices":{"input_mtok":5,"cache_read_mtok":1.25,"output_mtok":25}},{"id":"grok-3-mini","name":"Grok 3 Mini","match":{"or":[{"equals":"grok-3-mini"},{"equals":"grok-3-mini-beta"},{"equals":"grok-3-mini-latest"}]},"context_window":131072,"prices":{"input_mtok":0.3,"cache_read_mtok":0.075,"output_mtok":0.5}},{"id":"grok-3-mini-fast","name":"Grok 3 Mini Fast","match":{"or":[{"equals":"grok-3-mini-fast"},{"equals":"grok-3-mini-fast-beta"},{"equals":"grok-3-mini-fast-latest"}]},"context_window":131072,"prices":{"input_mtok":0.6,"cache_read_mtok":0.15,"output_mtok":4}},{"id":"grok-4-0709","name":"Grok 4","match":{"or":[{"equals":"grok-4-0709"},{"equals":"grok-4"},{"equals":"grok-4-latest"}]},"context_window":256000,"prices":{"input_mtok":3,"cache_read_mtok":0.75,"output_mtok":15}},{"id":"grok-4-1-fast-non-reasoning","name":"Grok 4.1 Fast Non-Reasoning","match":{"or":[{"equals":"grok-4-1-fast-non-reasoning"},{"equals":"grok-4-1-fast-non-reasoning-latest"}]},"context_window":2000000,"prices":{"input_mtok":0.2,"cache_read_mtok":0.05,"output_mtok":0.5}},{"id":"grok-4-1-fast-reasoning","name":"Grok 4.1 Fast Reasoning","match":{"or":[{"equals":"grok-4-1-fast"},{"equals":"grok-4-1-fast-reasoning"},{"equals":"grok-4-1-fast-reasoning-latest"}]},"context_window":2000000,"prices":{"input_mtok":0.2,"cache_read_mtok":0.05,"output_mtok":0.5}},{"id":"grok-4-fast-non-reasoning","name":"Grok 4 Fast Non-Reasoning","match":{"or":[{"equals":"grok-4-fast-non-reasoning"},{"equals":"grok-4-fast-non-reasoning-latest"}]},"context_window":2000000,"prices":{"input_mtok":0.2,"cache_read_mtok":0.05,"output_mtok":0.5}},{"id":"grok-4-fast-reasoning","name":"Grok 4 Fast Reasoning","match":{"or":[{"equals":"grok-4-fast"},{"equals":"grok-4-fast-reasoning"},{"equals":"grok-4-fast-reasoning-latest"}]},"context_window":2000000,"prices":{"input_mtok":0.2,"cache_read_mtok":0.05,"output_mtok":0.5}},{"id":"grok-4.20","name":"Grok 4.20","match":{"equals":"grok-4.20"},"context_window":1000000,"prices":{"input_mtok":{"base":1.25,"tiers":[{"start":199999,"price":2.5}]},"cache_read_mtok":{"base":0.2,"tiers":[{"start":199999,"price":0.4}]},"output_mtok":{"base":2.5,"tiers":[{"start":199999,"price":5}]}}},{"id":"grok-4.20-multi-agent","name":"Grok 4.20 Multi-Agent","match":{"equals":"grok-4.20-multi-agent"},"context_window":1000000,"prices":{"input_mtok":2,"cache_read_mtok":0.2,"output_mtok":6}},{"id":"grok-4.3","name":"Grok 4.3","match":{"or":[{"equals":"grok-4.3"},{"regex":"^grok-4\\\\.3-\\\\d{8}$"},{"equals":"x-ai/grok-4.3"},{"regex":"^x-ai/grok-4\\\\.3-\\\\d{8}$"},{"equals":"grok-4.3-latest"}]},"context_window":1000000,"prices":{"input_mtok":{"base":1.25,"tiers":[{"start":199999,"price":2.5}]},"cache_read_mtok":{"base":0.2,"tiers":[{"start":199999,"price":0.4}]},"output_mtok":{"base":2.5,"tiers":[{"start":199999,"price":5}]}}},{"id":"grok-4.5","name":"Grok 4.5","match":{"or":[{"equals":"grok-4.5"},{"regex":"^grok-4\\\\.5-\\\\d{8}$"},{"equals":"x-ai/grok-4.5"},{"regex":"^x-ai/grok-4\\\\.5-\\\\d{8}$"},{"equals":"grok-4.5-latest"},{"equals":"grok-latest"}]},"context_window":500000,"prices":{"input_mtok":{"base":2,"tiers":[{"start":199999,"price":4}]},"cache_read_mtok":{"base":0.3,"tiers":[{"start":199999,"price":0.6}]},"output_mtok":{"base":6,"tiers":[{"start":199999,"price":12}]}}},{"id":"grok-4.6","name":"Grok 4.6","match":{"or":[{"equals":"grok-4.6"},{"regex":"^grok-4\\\\.6-\\\\d{8}$"},{"equals":"x-ai/grok-4.6"},{"regex":"^x-ai/grok-4\\\\.6-\\\\d{8}$"},{"equals":"grok-4.6-latest"}]},"context_window":500000,"prices":{"input_mtok":{"base":2,"tiers":[{"start":199999,"price":4}]},"cache_read_mtok":{"base":0.5,"tiers":[{"start":199999,"price":1}]},"output_mtok":{"base":6,"tiers":[{"start":199999,"price":12}]}}},{"id":"grok-build-0.1","name":"Grok Build 0.1","match":{"equals":"grok-build-0.1"},"context_window":256000,"prices":{"input_mtok":{"base":1,"tiers":[{"start":199999,"price":2}]},"cache_read_mtok":{"base":0.2,"tiers":[{"start":199999,"price":0.4}]},"output_mtok":{"base":2,"tiers":[{"start":199999,"price":4}]}}},{"id":"grok-code-fast-1","name":"Grok Code Fast 1","match":{"or":[{"equals":"grok-code-fast"},{"equals":"grok-code-fast-1"},{"equals":"grok-code-fast-1-0825"}]},"context_window":256000,"prices":{"input_mtok":0.2,"cache_read_mtok":0.02,"output_mtok":1.5}},{"id":"grok-voice-latest","name":"Grok Voice","match":{"equals":"grok-voice-latest"},"prices":[{"prices":{"audio_hours":3,"input_text_messages_kcount":4}},{"constraint":{"start_date":"2026-08-05","type":"start_date"},"prices":{"audio_hours":4.8,"input_text_messages_kcount":4}}]},{"id":"grok-voice-think-fast-1.0","name":"Grok Voice Think Fast 1.0","match":{"equals":"grok-voice-think-fast-1.0"},"prices":{"audio_hours":3,"input_text_messages_kcount":4},"deprecated":true},{"id":"grok-voice-think-fast-2.0","name":"Grok Voice Think Fast 2.0","match":{"equals":"grok-voice-think-fast-2.0"},"prices":{"audio_hours":4.8,"input_text_messages_kcount":4}}]},{"id":"mistral","name":"Mistral","api_pattern":"https://api\\\\.mistral\\\\.ai","model_match":{"regex":"^(?![^/]+/)(?:labs-)?(?:(?:mi|code|dev|magi|mini)stral|mixtral|pixtral|voxtral|open-(?:mistral|mixtral))"},"provider_match":{"starts_with":"mistral"},"models":[{"id":"codestral","name":"Codestral","match":{"or":[{"equals":"codestral-latest"},{"equals":"codestral-2501"}]},"context_window":256000,"prices":{"input_mtok":0.3,"output_mtok":0.9}},{"id":"codestral-2508","name":"Codestral 2508","match":{"equals":"codestral-2508"},"context_window":256000,"prices":{"input_mtok":0.3,"cache_read_mtok":0.03,"output_mtok":0.9}},{"id":"devstral-2512","name":"Devstral 2 2512","match":{"equals":"devstral-2512"},"context_window":262144,"prices":{"input_mtok":0.4,"cache_read_mtok":0.04,"output_mtok":2}},{"id":"devstral-small","name":"Devstral Small","match":{"or":[{"equals":"devstral-small"},{"equals":"devstral-small-2505"},{"equals":"devstral-small-2507"},{"equals":"devstral-small-latest"},{"equals":"labs-devstral-small-2512"}]},"prices":{"input_mtok":0.1,"output_mtok":0.3},"deprecated":true},{"id":"devstral-small:free","name":"Devstral Small (free)","match":{"equals":"devstral-small:free"},"prices":{}},{"id":"magistral-medium","name":"Magistral Medium","match":{"or":[{"starts_with":"magistral-medium"}]},"prices":{"input_mtok":2,"output_mtok":5}},{"id":"magistral-small","name":"Magistral Small","match":{"starts_with":"magistral-small-"},"prices":{"input_mtok":0.5,"output_mtok":1.5}},{"id":"ministral-14b-2512","name":"Ministral 3 14B 2512","match":{"equals":"ministral-14b-2512"},"context_window":262144,"prices":{"input_mtok":0.2,"cache_read_mtok":0.02,"output_mtok":0.2}},{"id":"ministral-3b","name":"Ministral 3B","match":{"equals":"ministral-3b"},"prices":{"input_mtok":0.04,"output_mtok":0.04}},{"id":"ministral-3b-2512","name":"Ministral 3 3B 2512","match":{"equals":"ministral-3b-2512"},"context_window":131072,"prices":{"input_mtok":0.1,"cache_read_mtok":0.01,"output_mtok":0.1}},{"id":"ministral-8b","name":"Ministral 8B 24.10","match":{"or":[{"equals":"ministral-8b"},{"equals":"ministral-8b-2410"}]},"prices":{"input_mtok":0.1,"output_mtok":0.1}},{"id":"ministral-8b-2512","name":"Ministral 3 8B 2512","match":{"equals":"ministral-8b-2512"},"context_window":262144,"prices":{"input_mtok":0.15,"cache_read_mtok":0.015,"output_mtok":0.15}},{"id":"ministral-8b-latest","name":"Ministral 8B Latest","match":{"equals":"ministral-8b-latest"},"prices":[{"prices":{"input_mtok":0.1,"output_mtok":0.1}},{"constraint":{"start_date":"2025-12-02","type":"start_date"},"prices":{"input_mtok":0.15,"cache_read_mtok":0.015,"output_mtok":0.15}}]},{"id":"mistral-7b","name":"Mistral 7B","match":{"or":[{"equals":"mistral-7b"},{"equals":"open-mistral-7b"}]},"prices":{"input_mtok":0.25,"output_mtok":0.25}},{"id":"mistral-embed","match":{"equals":"mistral-embed"},"context_window":8192,"prices":{"input_mtok":0.1,"output_mtok":0.1}},{"id":"mistral-large","name":"Mistral Large","match":{"or":[{"equals":"mistral-large"},{"equals":"mistral-large-latest"},{"equals":"mistral-large-2407"},{"equals":"mistral-large-2411"}]},"prices":{"input_mtok":2,"output_mtok":6}},{"id":"mistral-large-2512","name":"Mistral Large 3 2512","match":{"equals":"mistral-large-2512"},"context_window":262144,"prices":{"input_mtok":0.5,"cache_read_mtok":0.05,"output_mtok":1.5}},{"id":"mistral-medium-2312","name":"Mistral Medium 1","match":{"equals":"mistral-medium-2312"},"prices":{"input_mtok":2.7,"output_mtok":8.1}},{"id":"mistral-medium-3-1","name":"Mistral Medium 3 and 3.1","match":{"or":[{"equals":"mistral-medium"},{"equals":"mistral-medium-2505"},{"equals":"mistral-medium-2508"}]},"prices":{"input_mtok":0.4,"cache_read_mtok":0.04,"output_mtok":2}},{"id":"mistral-medium-3-5","name":"Mistral Medium 3.5","match":{"or":[{"equals":"mistral-medium-3.5"},{"equals":"mistral-medium-3-5"},{"equals":"mistral-medium-3"}]},"context_window":262144,"prices":{"input_mtok":1.5,"cache_read_mtok":0.15,"output_mtok":7.5}},{"id":"mistral-medium-latest","name":"Mistral Medium Latest","match":{"equals":"mistral-medium-latest"},"prices":[{"prices":{"input_mtok":0.4,"cache_read_mtok":0.04,"output_mtok":2}},{"constraint":{"start_date":"2026-06-16","type":"start_date"},"prices":{"input_mtok":1.5,"cache_read_mtok":0.15,"output_mtok":7.5}}]},{"id":"mistral-nemo","name":"Mistral NeMo","match":{"or":[{"equals":"mistral-nemo"},{"equals":"open-mistral-nemo"}]},"prices":{"input_mtok":0.15,"output_mtok":0.15}},{"id":"mistral-nemo:free","name":"Mistral Nemo (free)","match":{"equals":"mistral-nemo:free"},"prices":{}},{"id":"mistral-ocr-2503","name":"Mistral OCR","match":{"or":[{"equals":"mistral-ocr-2503"},{"equals":"mistral-ocr-2503-completion"}]},"prices":{"input_document_kpages":1},"deprecated":true},{"id":"mistral-ocr-2505","name":"Mistral OCR 2","match":{"or":[{"equals":"mistral-ocr-2505"},{"equals":"mistral-ocr-2505-completion"}]},"prices":{"input_document_kpages":1,"input_annotated_document_kpages":3},"deprecated":true},{"id":"mistral-ocr-2512","name":"Mistral OCR 3","match":{"or":[{"equals":"mistral-ocr-2512"},{"equals":"mistral-ocr-2512-completion"}]},"context_window":16384,"prices":{"input_document_kpages":2,"input_annotated_document_kpages":3}},{"id":"mistral-ocr-4-0","name":"Mistral OCR 4.0","match":{"or":[{"equals":"mistral-ocr-4-0"},{"equals":"mistral-ocr-4-0-completion"}]},"context_window":16384,"prices":{"input_document_kpages":4,"input_annotated_document_kpages":5}},{"id":"mistral-ocr-4-1","name":"Mistral OCR 4.1","match":{"or":[{"equals":"mistral-ocr-4"},{"equals":"mistral-ocr-4-completion"},{"equals":"mistral-ocr-4-1"},{"equals":"mistral-ocr-4-1-completion"}]},"context_window":16384,"prices":{"input_document_kpages":4,"input_annotated_document_kpages":5}},{"id":"mistral-ocr-latest","name":"Mistral OCR Latest","match":{"or":[{"equals":"mistral-ocr-latest"},{"equals":"mistral-ocr-latest-completion"}]},"prices":[{"prices":{"input_document_kpages":1}},{"constraint":{"start_date":"2025-05-22","type":"start_date"},"prices":{"input_document_kpages":1,"input_annotated_document_kpages":3}},{"constraint":{"start_date":"2025-12-18","type":"start_date"},"prices":{"input_document_kpages":2,"input_annotated_document_kpages":3}},{"constraint":{"start_date":"2026-06-23","type":"start_date"},"prices":{"input_document_kpages":4,"input_annotated_document_kpages":5}}]},{"id":"mistral-saba","name":"Mistral Saba","match":{"or":[{"equals":"mistral-saba"},{"equals":"mistral-saba-latest"}]},"prices":{"input_mtok":0.2,"output_mtok":0.6}},{"id":"mistral-small-24b-instruct-2501","name":"Mistral Small 3","match":{"equals":"mistral-small-24b-instruct-2501"},"prices":{"input_mtok":0.05,"output_mtok":0.08}},{"id":"mistral-small-24b-instruct-2501:free","name":"Mistral Small 3 (free)","match":{"equals":"mistral-small-24b-instruct-2501:free"},"prices":{}},{"id":"mistral-small-2603","name":"Mistral Small 4","match":{"equals":"mistral-small-2603"},"context_window":262144,"prices":{"input_mtok":0.15,"cache_read_mtok":0.015,"output_mtok":0.6}},{"id":"mistral-small-3.1-24b-instruct","name":"Mistral Small 3.1 24B","match":{"equals":"mistral-small-3.1-24b-instruct"},"prices":{"input_mtok":0.351,"output_mtok":0.555}},{"id":"mistral-small-3.2-24b-instruct","name":"Mistral Small 3.2 24B","match":{"equals":"mistral-small-3.2-24b-instruct"},"prices":{"input_mtok":0.075,"output_mtok":0.2}},{"id":"mistral-small-latest","name":"Mistral Small 3.2","match":{"equals":"mistral-small-latest"},"prices":{"input_mtok":0.1,"output_mtok":0.3}},{"id":"mistral-tiny","name":"Mistral Tiny","match":{"equals":"mistral-tiny"},"prices":{"input_mtok":0.25,"output_mtok":0.25},"deprecated":true},{"id":"mixtral-8x22b-instruct","name":"Mixtral 8x22B Instruct","match":{"equals":"mixtral-8x22b-instruct"},"prices":{"input_mtok":0.9,"output_mtok":0.9}},{"id":"mixtral-8x7b","name":"Mixtral 8x7B","match":{"or":[{"starts_with":"mixtral-8x7b"},{"equals":"open-mixtral-8x7b"}]},"prices":{"input_mtok":0.7,"output_mtok":0.7}},{"id":"pixtral-12b","name":"Pixtral 12B","match":{"or":[{"equals":"pixtral-12b"},{"equals":"pixtral-12b-latest"}]},"prices":{"input_mtok":0.15,"output_mtok":0.15}},{"id":"pixtral-large","name":"Pixtral Large 2411","match":{"or":[{"equals":"pixtral-large-latest"},{"equals":"pixtral-large-2411"}]},"prices":{"input_mtok":2,"output_mtok":6}},{"id":"voxtral-mini-2602","name":"Voxtral Mini Transcribe 2","match":{"or":[{"equals":"voxtral-mini-latest"},{"equals":"voxtral-mini-2602"}]},"context_window":16384,"prices":{"audio_hours":0.18,"input_audio_hours":0.18}},{"id":"voxtral-small-24b-2507","name":"Voxtral Small 24B 2507","match":{"or":[{"equals":"voxtral-small-24b-2507"},{"equals":"voxtral-small-2507"},{"equals":"voxtral-small-latest"}]},"context_window":32768,"prices":[{"prices":{"input_mtok":0.1,"cache_read_mtok":0.01,"output_mtok":0.3}},{"constraint":{"start_date":"2026-08-11","type":"start_date"},"prices":{"input_mtok":0.1,"cache_read_mtok":0.01,"output_mtok":0.4}}]}]}]'), J = {
  audio_seconds: {
    dimensions: {
      family: "durations",
      modality: "audio"
    },
    per: 3600,
    price_key: "audio_hours"
  },
  cache_audio_read_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "audio",
      token_type: "cache_read"
    },
    per: 1e6,
    price_key: "cache_audio_read_mtok"
  },
  cache_audio_write_1h_tokens: {
    dimensions: {
      cache_ttl: "1h",
      direction: "input",
      family: "tokens",
      modality: "audio",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_audio_write_1h_mtok"
  },
  cache_audio_write_5m_tokens: {
    dimensions: {
      cache_ttl: "5m",
      direction: "input",
      family: "tokens",
      modality: "audio",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_audio_write_5m_mtok"
  },
  cache_audio_write_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "audio",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_audio_write_mtok"
  },
  cache_image_read_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "image",
      token_type: "cache_read"
    },
    per: 1e6,
    price_key: "cache_image_read_mtok"
  },
  cache_image_write_1h_tokens: {
    dimensions: {
      cache_ttl: "1h",
      direction: "input",
      family: "tokens",
      modality: "image",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_image_write_1h_mtok"
  },
  cache_image_write_5m_tokens: {
    dimensions: {
      cache_ttl: "5m",
      direction: "input",
      family: "tokens",
      modality: "image",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_image_write_5m_mtok"
  },
  cache_image_write_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "image",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_image_write_mtok"
  },
  cache_read_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      token_type: "cache_read"
    },
    per: 1e6,
    price_key: "cache_read_mtok"
  },
  cache_text_read_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "text",
      token_type: "cache_read"
    },
    per: 1e6,
    price_key: "cache_text_read_mtok"
  },
  cache_text_write_1h_tokens: {
    dimensions: {
      cache_ttl: "1h",
      direction: "input",
      family: "tokens",
      modality: "text",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_text_write_1h_mtok"
  },
  cache_text_write_5m_tokens: {
    dimensions: {
      cache_ttl: "5m",
      direction: "input",
      family: "tokens",
      modality: "text",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_text_write_5m_mtok"
  },
  cache_text_write_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "text",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_text_write_mtok"
  },
  cache_video_read_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "video",
      token_type: "cache_read"
    },
    per: 1e6,
    price_key: "cache_video_read_mtok"
  },
  cache_video_write_1h_tokens: {
    dimensions: {
      cache_ttl: "1h",
      direction: "input",
      family: "tokens",
      modality: "video",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_video_write_1h_mtok"
  },
  cache_video_write_5m_tokens: {
    dimensions: {
      cache_ttl: "5m",
      direction: "input",
      family: "tokens",
      modality: "video",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_video_write_5m_mtok"
  },
  cache_video_write_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "video",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_video_write_mtok"
  },
  cache_write_1h_tokens: {
    dimensions: {
      cache_ttl: "1h",
      direction: "input",
      family: "tokens",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_write_1h_mtok"
  },
  cache_write_5m_tokens: {
    dimensions: {
      cache_ttl: "5m",
      direction: "input",
      family: "tokens",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_write_5m_mtok"
  },
  cache_write_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      token_type: "cache_write"
    },
    per: 1e6,
    price_key: "cache_write_mtok"
  },
  code_executions: {
    dimensions: {
      family: "tool_calls",
      tool_type: "code_execution"
    },
    per: 1e3,
    price_key: "code_executions_kcount"
  },
  input_annotated_document_pages: {
    dimensions: {
      direction: "input",
      family: "document_pages",
      page_type: "annotated"
    },
    per: 1e3,
    price_key: "input_annotated_document_kpages"
  },
  input_audio_seconds: {
    dimensions: {
      direction: "input",
      family: "durations",
      modality: "audio"
    },
    per: 3600,
    price_key: "input_audio_hours"
  },
  input_audio_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "audio"
    },
    per: 1e6,
    price_key: "input_audio_mtok"
  },
  input_audio_tool_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "audio",
      token_type: "tool"
    },
    per: 1e6,
    price_key: "input_audio_tool_mtok"
  },
  input_characters: {
    dimensions: {
      direction: "input",
      family: "characters"
    },
    per: 1e6,
    price_key: "input_mchars"
  },
  input_document_pages: {
    dimensions: {
      direction: "input",
      family: "document_pages"
    },
    per: 1e3,
    price_key: "input_document_kpages"
  },
  input_image_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "image"
    },
    per: 1e6,
    price_key: "input_image_mtok"
  },
  input_image_tool_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "image",
      token_type: "tool"
    },
    per: 1e6,
    price_key: "input_image_tool_mtok"
  },
  input_pixels: {
    dimensions: {
      direction: "input",
      family: "pixels"
    },
    per: 1e9,
    price_key: "input_gpixels"
  },
  input_text_messages: {
    dimensions: {
      direction: "input",
      family: "messages",
      modality: "text"
    },
    per: 1e3,
    price_key: "input_text_messages_kcount"
  },
  input_text_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "text"
    },
    per: 1e6,
    price_key: "input_text_mtok"
  },
  input_text_tool_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "text",
      token_type: "tool"
    },
    per: 1e6,
    price_key: "input_text_tool_mtok"
  },
  input_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens"
    },
    per: 1e6,
    price_key: "input_mtok"
  },
  input_tool_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      token_type: "tool"
    },
    per: 1e6,
    price_key: "input_tool_mtok"
  },
  input_video_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "video"
    },
    per: 1e6,
    price_key: "input_video_mtok"
  },
  input_video_tool_tokens: {
    dimensions: {
      direction: "input",
      family: "tokens",
      modality: "video",
      token_type: "tool"
    },
    per: 1e6,
    price_key: "input_video_tool_mtok"
  },
  output_audio_citation_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "audio",
      token_type: "citation"
    },
    per: 1e6,
    price_key: "output_audio_citation_mtok"
  },
  output_audio_reasoning_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "audio",
      token_type: "reasoning"
    },
    per: 1e6,
    price_key: "output_audio_reasoning_mtok"
  },
  output_audio_seconds: {
    dimensions: {
      direction: "output",
      family: "durations",
      modality: "audio"
    },
    per: 3600,
    price_key: "output_audio_hours"
  },
  output_audio_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "audio"
    },
    per: 1e6,
    price_key: "output_audio_mtok"
  },
  output_citation_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      token_type: "citation"
    },
    per: 1e6,
    price_key: "output_citation_mtok"
  },
  output_image_citation_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "image",
      token_type: "citation"
    },
    per: 1e6,
    price_key: "output_image_citation_mtok"
  },
  output_image_reasoning_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "image",
      token_type: "reasoning"
    },
    per: 1e6,
    price_key: "output_image_reasoning_mtok"
  },
  output_image_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "image"
    },
    per: 1e6,
    price_key: "output_image_mtok"
  },
  output_reasoning_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      token_type: "reasoning"
    },
    per: 1e6,
    price_key: "output_reasoning_mtok"
  },
  output_text_citation_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "text",
      token_type: "citation"
    },
    per: 1e6,
    price_key: "output_text_citation_mtok"
  },
  output_text_reasoning_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "text",
      token_type: "reasoning"
    },
    per: 1e6,
    price_key: "output_text_reasoning_mtok"
  },
  output_text_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "text"
    },
    per: 1e6,
    price_key: "output_text_mtok"
  },
  output_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens"
    },
    per: 1e6,
    price_key: "output_mtok"
  },
  output_video_citation_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "video",
      token_type: "citation"
    },
    per: 1e6,
    price_key: "output_video_citation_mtok"
  },
  output_video_reasoning_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "video",
      token_type: "reasoning"
    },
    per: 1e6,
    price_key: "output_video_reasoning_mtok"
  },
  output_video_tokens: {
    dimensions: {
      direction: "output",
      family: "tokens",
      modality: "video"
    },
    per: 1e6,
    price_key: "output_video_mtok"
  },
  requests: {
    dimensions: {
      family: "requests"
    },
    per: 1e3,
    price_key: "requests_kcount"
  },
  rerank_searches: {
    dimensions: {
      family: "rerank"
    },
    per: 1e3,
    price_key: "rerank_searches_kcount"
  },
  social_searches: {
    dimensions: {
      family: "tool_calls",
      tool_type: "social_search"
    },
    per: 1e3,
    price_key: "social_searches_kcount"
  },
  storage_searches: {
    dimensions: {
      family: "tool_calls",
      tool_type: "storage_search"
    },
    per: 1e3,
    price_key: "storage_searches_kcount"
  },
  web_searches: {
    dimensions: {
      family: "tool_calls",
      tool_type: "web_search"
    },
    per: 1e3,
    price_key: "web_searches_kcount"
  }
}, Y = class {
  #a;
  #i;
  #o;
  #t;
  #e;
  #n;
  #s;
  constructor(t) {
    this.#o = /* @__PURE__ */ new Map(), this.#a = /* @__PURE__ */ new Set(), this.#i = /* @__PURE__ */ new Set(), this.#t = /* @__PURE__ */ new Set(), this.#e = /* @__PURE__ */ new Map(), this.#n = /* @__PURE__ */ new Map(), this.#s = /* @__PURE__ */ new Map();
    for (let [a, i] of Object.entries(t)) {
      let o = i.price_key ?? a, n = Object.freeze({
        dimensions: Object.freeze({ ...i.dimensions }),
        per: i.per,
        priceKey: o,
        usageKey: a
      });
      this.#a.add(o), this.#i.add(a), this.#e.set(a, n), this.#s.set(o, n), this.#n.set(z(n.dimensions), n);
    }
    for (let [a, i] of this.#e)
      this.#o.set(
        a,
        new Set(
          [...this.#e.values()].filter((o) => o !== i && $(o, i)).map((o) => o.usageKey)
        )
      ), a !== "requests" && this.#t.add(a);
  }
  ancestorUsageKeys(t) {
    let a = this.#o.get(t);
    if (!a)
      throw new Error(`Unknown unit usage key: ${t}`);
    return new Set(a);
  }
  findJoin(t, a) {
    if (Q(t, a))
      return this.#n.get(z({ ...t.dimensions, ...a.dimensions }));
  }
  getAllPriceKeys() {
    return new Set(this.#a);
  }
  getAllUsageKeys() {
    return new Set(this.#i);
  }
  getUnit(t) {
    return this.#e.get(t);
  }
  getUnitForPriceKey(t) {
    return this.#s.get(t);
  }
  isReportedUsageKey(t) {
    return this.#t.has(t);
  }
  reportedUsageKeys() {
    return this.#t.values();
  }
}, X = new Y(J);
function g() {
  return X;
}
function z(e) {
  return JSON.stringify(Object.entries(e).sort(([t], [a]) => t < a ? -1 : t > a ? 1 : 0));
}
function $(e, t) {
  return Object.entries(e.dimensions).every(([a, i]) => t.dimensions[a] === i);
}
function U(e, t) {
  return $(e, t);
}
function Q(e, t) {
  return Object.entries(e.dimensions).every(([a, i]) => t.dimensions[a] === void 0 || t.dimensions[a] === i);
}
var F = /* @__PURE__ */ new WeakMap();
function ee(e, t = g()) {
  let a = F.get(e), i = Object.keys(e).filter((o) => !t.isReportedUsageKey(o) && !a?.has(o)).sort();
  if (i.length) {
    let o = a ?? /* @__PURE__ */ new Set();
    for (let n of i) o.add(n);
    F.set(e, o), console.warn(`Unsupported usage key for standard pricing: ${i.join(", ")}`);
  }
}
function B(e, t, a = g()) {
  let i = oe(a, t), o = M(t, e[t]);
  if (o !== void 0) return o;
  for (let [s, m] of Object.entries(e)) {
    let r = D(a, s);
    if (!(!r || (M(s, m) ?? 0) <= 0) && s !== t && a.ancestorUsageKeys(r.usageKey).has(t))
      throw new Error(`Missing usage value for ${t} with positive reported descendant ${s}`);
  }
  let n = Object.entries(e).map(([s, m]) => {
    let r = D(a, s);
    return r && (M(s, m) ?? 0) > 0 ? r : void 0;
  }).filter((s) => s !== void 0);
  for (let s = 0; s < n.length; s++)
    for (let m = s + 1; m < n.length; m++) {
      let r = n[s], c = n[m];
      if (!(!r || !c || !Q(r, c) || ie(a, r, c)) && a.findJoin(r, c) === i)
        throw new Error(`Missing usage value for ${t} with positive reported overlap ${r.usageKey} and ${c.usageKey}`);
    }
  return 0;
}
function M(e, t) {
  if (t !== void 0) {
    if (typeof t != "number")
      throw new Error(`Invalid usage value for ${e}: expected a finite non-negative number`);
    return b(e, t);
  }
}
function b(e, t) {
  if (!Number.isFinite(t) || t < 0)
    throw new Error(`Invalid usage value for ${e}: expected a finite non-negative number`);
  return t;
}
function ie(e, t, a) {
  return t === a || e.ancestorUsageKeys(a.usageKey).has(t.usageKey) || e.ancestorUsageKeys(t.usageKey).has(a.usageKey);
}
function oe(e, t) {
  let a = e.getUnit(t);
  if (!a)
    throw new Error(`Unknown unit usage key: ${t}`);
  if (!e.isReportedUsageKey(t))
    throw new Error(`Unsupported usage key for standard pricing: ${t}`);
  return a;
}
function D(e, t) {
  return e.isReportedUsageKey(t) ? e.getUnit(t) : void 0;
}
function ne(e, t, a = g()) {
  let i = [...e].map((n) => a.getUnit(n)).filter((n) => n !== void 0).sort(
    (n, s) => Object.keys(s.dimensions).length - Object.keys(n.dimensions).length || (n.usageKey < s.usageKey ? -1 : n.usageKey > s.usageKey ? 1 : 0)
  ), o = {};
  for (let n of i) {
    let s = B(t, n.usageKey, a), m = 0;
    for (let p of i) {
      if (p === n || !U(n, p)) continue;
      let l = o[p.usageKey];
      if (l === void 0)
        throw new Error(`Missing computed leaf value for ${p.usageKey}`);
      m += l;
    }
    let r = s - m, c = Number.EPSILON * Math.max(1, Math.abs(s), Math.abs(m)) * (i.length + 1);
    if (r < 0 && Math.abs(r) <= c && (r = 0), r < 0)
      throw new Error(se(n, i, t, r, a));
    o[n.usageKey] = r;
  }
  return o;
}
function se(e, t, a, i, o) {
  let n = B(a, e.usageKey, o), s = t.filter((c) => c !== e && U(e, c)).map((c) => ({
    unit: c,
    value: B(a, c.usageKey, o)
  })).filter(({ value: c }) => c > 0);
  for (let c of s)
    if (c.value > n)
      return `Invalid usage data: ${c.unit.usageKey} (${c.value.toString()}) cannot exceed ${e.usageKey} (${n.toString()})`;
  let m = s.map(({ unit: c }) => c.usageKey).join(", "), r = n - i;
  return `Invalid usage data: more-specific usage for ${m} totals ${r.toString()}, which exceeds ${e.usageKey} (${n.toString()})`;
}
function A(e) {
  let t = /^(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(Z|([+-])(\d{2}):(\d{2}))$/.exec(e);
  if (!t) throw new Error(`Invalid time-of-day constraint: ${e}`);
  let [, a, i, o, n = "", s, m, r = "00", c = "00"] = t, p = Number(a), l = Number(i), u = Number(o), d = (Number(r) * 60 + Number(c)) * 60;
  if (p > 23 || l > 59 || u > 59 || r > "23" || c > "59")
    throw new Error(`Invalid time-of-day constraint: ${e}`);
  let _ = p * 3600 + l * 60 + u + +`0.${n}`, Z = s === "Z" ? 0 : m === "+" ? d : -d;
  return (_ - Z + 86400) % 86400;
}
var re2 = class {
  base;
  tiers;
  constructor(t) {
    this.base = t.base, this.tiers = [...t.tiers].sort((a, i) => a.start - i.start);
  }
};
function ce(e, t) {
  let a = new Set(e.map((i) => i.priceKey));
  for (let i of e) {
    let o = t.ancestorUsageKeys(i.usageKey);
    for (let n of o) {
      let s = t.getUnit(n);
      if (s && !a.has(s.priceKey))
        throw new Error(`Missing ancestor price key ${s.priceKey} for ${i.priceKey}`);
    }
  }
}
function me(e, t) {
  let a = new Set(e.map((i) => i.priceKey));
  for (let i = 0; i < e.length; i++)
    for (let o = i + 1; o < e.length; o++) {
      let n = e[i], s = e[o];
      if (!n || !s || !Q(n, s)) continue;
      let m = t.findJoin(n, s);
      if (!m)
        throw new Error(`Missing registered join unit for ${n.priceKey} and ${s.priceKey}`);
      if (!a.has(m.priceKey))
        throw new Error(`Missing join price key ${m.priceKey} for ${n.priceKey} and ${s.priceKey}`);
    }
}
function pe(e, t) {
  ce(e, t), me(e, t);
}
function ue(e, t) {
  let a = [], i = [];
  for (let [o, n] of Object.entries(e)) {
    if (n === void 0) continue;
    let s = t.getUnitForPriceKey(o);
    if (!s) {
      i.push(o);
      continue;
    }
    a.push({ price: le(o, n), unit: s });
  }
  return i.length && console.warn(`Unsupported price key for standard pricing: ${i.sort().join(", ")}`), a;
}
function le(e, t) {
  if (G(t)) return t;
  if (!V(t) || !G(t.base) || !Array.isArray(t.tiers))
    throw L(e);
  let a = [];
  for (let i of t.tiers) {
    if (!V(i)) throw L(e);
    let { price: o, start: n } = i;
    if (typeof n != "number" || !Number.isSafeInteger(n) || n < 0 || !G(o))
      throw L(e);
    a.push({ price: o, start: n });
  }
  return new re2({ base: t.base, tiers: a });
}
function L(e) {
  return new Error(`Invalid price value for ${e}: expected a finite non-negative number or valid tiered prices`);
}
function V(e) {
  return typeof e == "object" && e !== null && !Array.isArray(e);
}
function G(e) {
  return typeof e == "number" && Number.isFinite(e) && e >= 0;
}
function de(e, t, a) {
  if (t <= 0) return 0;
  let i = e.base;
  for (let o of e.tiers)
    a > o.start && (i = o.price);
  return i * t / 1e6;
}
function _e(e, t, a, i) {
  return e === void 0 || t === void 0 ? 0 : typeof e == "number" ? e * t / i : de(e, t, a) * 1e6 / i;
}
function he(e, t, a = g()) {
  ee(e, a);
  let i = ue(t, a);
  pe(
    i.map(({ unit: u }) => u),
    a
  );
  let o = 0, n = 0, s = 0, r = i.some(({ price: u }) => ke(u)) ? B(e, "input_tokens", a) : 0, c = new Set(i.filter(({ unit: u }) => u.usageKey !== "requests").map(({ unit: u }) => u.usageKey)), p = ne(c, e, a);
  i.some(({ unit: u }) => u.usageKey === "requests") && (p.requests = 1);
  for (let { price: u, unit: d } of i) {
    let _ = _e(u, p[d.usageKey] ?? 0, r, d.per);
    d.dimensions.direction === "input" ? o += _ : d.dimensions.direction === "output" ? n += _ : s += _;
  }
  let l = o + n + s;
  return {
    input_price: o,
    output_price: n,
    total_price: l
  };
}
function ke(e) {
  return typeof e == "object";
}
function ge(e) {
  return typeof e == "object" && e !== null && "type" in e && e.type === "time_of_date";
}
function we(e, t) {
  if (!Array.isArray(e.prices))
    return e.prices;
  if (Number.isNaN(t.getTime()))
    throw new RangeError("Invalid time value");
  for (let a = e.prices.length - 1; a >= 0; a--) {
    let i = e.prices[a], o = i.constraint;
    if (o === void 0)
      return i.prices;
    if (o.type === "start_date") {
      if (t >= new Date(o.start_date))
        return i.prices;
    } else if (ge(o)) {
      let n = t.getUTCHours() * 3600 + t.getUTCMinutes() * 60 + t.getUTCSeconds() + t.getUTCMilliseconds() / 1e3, s = A(o.start_time), m = A(o.end_time);
      if (m < s) {
        if (n >= s || n < m)
          return i.prices;
      } else if (n >= s && n < m)
        return i.prices;
    } else
      throw new Error(`Unknown price constraint for model '${e.id}': ${JSON.stringify(o)}`);
  }
  return e.prices[0].prices;
}
function f(e, t) {
  return "or" in e ? e.or.some((a) => f(a, t)) : "and" in e ? e.and.every((a) => f(a, t)) : "equals" in e ? t.toLowerCase() === e.equals.toLowerCase() : "starts_with" in e ? t.toLowerCase().startsWith(e.starts_with.toLowerCase()) : "ends_with" in e ? t.toLowerCase().endsWith(e.ends_with.toLowerCase()) : "contains" in e ? t.toLowerCase().includes(e.contains.toLowerCase()) : "regex" in e ? new RegExp(e.regex).test(t) : !1;
}
function qe(e, t) {
  let a = t.toLowerCase().trim();
  return e.find((o) => o.id === a) || e.find((o) => o.provider_match && f(o.provider_match, a));
}
function S(e, { modelId: t, providerApiUrl: a, providerId: i }) {
  if (i) {
    let o = qe(e, i);
    if (o || i.toLowerCase() !== "litellm")
      return o;
  }
  if (a)
    return e.find((o) => new RegExp(`^(?:${o.api_pattern})`).test(a));
  if (t)
    return e.find((o) => o.model_match && f(o.model_match, t));
}
function fe(e, t) {
  return e.find((a) => f(a.match, t));
}
var be = /(-)(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g;
function xe(e) {
  return e.replace(be, (t, a, i, o, n) => {
    let s = new Date(Date.UTC(Number(i), Number(o) - 1, Number(n)));
    return s.getUTCFullYear() !== Number(i) || s.getUTCMonth() !== Number(o) - 1 || s.getUTCDate() !== Number(n) ? t : `${a}${i}-${o}-${n}`;
  });
}
function ve(e, t, a) {
  let i = C(e, t, a);
  if (i) return i;
  let o = xe(t);
  if (o !== t) return C(e, o, a);
}
function C(e, t, a) {
  let i = fe(e.models, t);
  if (i) return i;
  if (e.fallback_model_providers && a)
    for (let o of e.fallback_model_providers) {
      let n = a.find((s) => s.id === o);
      if (n) {
        let s = C(n, t);
        if (s) return s;
      }
    }
}
var k = E, q = Promise.resolve(E), R = null;
function H(e) {
  return {
    ...e,
    models: e.models.map((t) => ({
      ...t,
      prices: Array.isArray(t.prices) ? t.prices.map((a) => Me(a, e.id, t.id)) : t.prices
    }))
  };
}
function Me(e, t, a) {
  let i = e.constraint;
  if (i === void 0)
    return { prices: e.prices };
  if (!Ie(i))
    throw T(i, t, a);
  if (i.type !== void 0) {
    if (i.type === "start_date" && v(i, ["start_date", "type"]) && K(i.start_date) || i.type === "time_of_date" && v(i, ["end_time", "start_time", "type"]) && y(i.start_time) && y(i.end_time))
      return e;
    throw T(i, t, a);
  }
  if (v(i, ["start_date"]) && K(i.start_date))
    return {
      constraint: { start_date: i.start_date, type: "start_date" },
      prices: e.prices
    };
  if (v(i, ["end_time", "start_time"]) && y(i.start_time) && y(i.end_time))
    return {
      constraint: {
        end_time: i.end_time,
        start_time: i.start_time,
        type: "time_of_date"
      },
      prices: e.prices
    };
  throw T(i, t, a);
}
function T(e, t, a) {
  return new Error(
    `Expected a start-date or time-of-day price constraint for provider '${t}' model '${a}', got: ${JSON.stringify(e)}`
  );
}
function K(e) {
  if (typeof e != "string" || !/^\d{4}-\d{2}-\d{2}$/.test(e))
    return !1;
  let t = /* @__PURE__ */ new Date(`${e}T00:00:00Z`);
  return !Number.isNaN(t.getTime()) && t.getUTCFullYear() >= 1 && t.toISOString().startsWith(e);
}
function v(e, t) {
  let a = Object.keys(e);
  return a.length === t.length && a.every((i) => t.includes(i));
}
function y(e) {
  if (typeof e != "string")
    return !1;
  try {
    return A(e), !0;
  } catch {
    return !1;
  }
}
function Ie(e) {
  return typeof e == "object" && e !== null && !Array.isArray(e);
}
function Ce(e, t, a) {
  R?.();
  let i = t.toLowerCase().trim(), o = a?.providerId;
  if (o && o.toLowerCase() === "litellm" && i.includes("/")) {
    let l = i.indexOf("/"), u = i.slice(0, l), d = i.slice(l + 1);
    u && d && S(k, { providerId: u }) && (o = u, i = d);
  }
  let n = a?.provider ? H(a.provider) : S(k, { modelId: i, providerApiUrl: a?.providerApiUrl, providerId: o });
  if (!n) return null;
  let s = ve(n, i, k);
  if (!s) return null;
  let m = a?.timestamp ?? /* @__PURE__ */ new Date(), r = we(s, m), c = e;
  if (n.id === "groq" && (s.id === "whisper-large-v3" || s.id === "whisper-large-v3-turbo")) {
    c = { ...e };
    let l = c.audio_seconds, u = c.input_audio_seconds;
    l !== void 0 && b("audio_seconds", l), u !== void 0 && b("input_audio_seconds", u);
    let d = l === 0 ? u : l ?? u;
    if (d !== void 0) {
      let _ = d > 0 ? Math.max(d, 10) : 0;
      c.audio_seconds = _, c.input_audio_seconds = _;
    }
  }
  let p = he(c, r);
  return {
    auto_update_timestamp: void 0,
    model: s,
    model_price: r,
    provider: n,
    ...p
  };
}

// src/trace/cost.ts
var PRICES_VERSION = "0.1.8", PROVIDER_IDS = {
  "aws.bedrock": "aws",
  "gcp.vertex_ai": "google",
  "gcp.gemini": "google",
  x_ai: "x-ai",
  mistral_ai: "mistral"
}, DAY_MS = 864e5, MINUTE_MS = 6e4, PROBE_TOKENS = 1e3;
function costUsd(provider, model, usage, atMs) {
  let listed2 = listing(PROVIDER_IDS[provider] ?? provider, model, atMs);
  if (listed2 === void 0) return;
  let bracket = listed2.brackets.findLast((start) => usage.input > start) ?? 0, rates = listed2.rates(bracket);
  if (rates === void 0) return;
  let usd = (usage.input - usage.cacheRead - usage.cacheWrite) * rates.input + usage.cacheRead * rates.cacheRead + (usage.cacheWrite - usage.cacheWrite1h) * rates.cacheWrite + usage.cacheWrite1h * rates.cacheWrite1h + usage.output * rates.output + usage.webSearches * rates.webSearch;
  return Math.round(usd * 1e12) / 1e12;
}
var listings = /* @__PURE__ */ new Map(), stepsMs = /* @__PURE__ */ new Map();
function listing(providerId, model, atMs) {
  let name = `${providerId} ${model}`, stepMs = stepsMs.get(name);
  stepMs === void 0 && (stepMs = dependsOnTimeOfDay(providerId, model) ? MINUTE_MS : DAY_MS, stepsMs.set(name, stepMs));
  let step = Math.floor(atMs / stepMs), key = `${name} ${step}`;
  return listings.has(key) || listings.set(key, readListing(providerId, model, new Date(step * stepMs))), listings.get(key);
}
function dependsOnTimeOfDay(providerId, model) {
  let prices = Ce({ input_tokens: 1 }, model, { providerId, timestamp: /* @__PURE__ */ new Date(0) })?.model.prices;
  return Array.isArray(prices) && prices.some(({ constraint }) => constraint?.type === "time_of_date");
}
function readListing(providerId, model, timestamp) {
  let price = (usage) => {
    try {
      return Ce(usage, model, { providerId, timestamp })?.total_price;
    } catch {
      return;
    }
  }, known = Ce({ input_tokens: 1 }, model, { providerId, timestamp });
  if (known === null) return;
  let starts = Object.values(known.model_price).flatMap((rate) => typeof rate == "object" ? rate.tiers.map((tier) => tier.start) : []), brackets = [...new Set(starts)].sort((a, b2) => a - b2), byBracket = /* @__PURE__ */ new Map();
  return {
    brackets,
    rates: (bracket) => (byBracket.has(bracket) || byBracket.set(bracket, probe(price, bracket + PROBE_TOKENS)), byBracket.get(bracket))
  };
}
function probe(price, n) {
  let base = price({ input_tokens: n });
  if (base === void 0) return;
  let extra = (usage) => (price({ input_tokens: n, ...usage }) ?? base) - base, cached2 = (usage) => (price({ input_tokens: n, ...usage }) ?? base) / n;
  return {
    input: base / n,
    output: extra({ output_tokens: n }) / n,
    cacheRead: cached2({ cache_read_tokens: n }),
    cacheWrite: cached2({ cache_write_tokens: n }),
    cacheWrite1h: cached2({ cache_write_tokens: n, cache_write_1h_tokens: n }),
    webSearch: extra({ web_searches: n }) / n
  };
}

// src/trace/attributes.ts
function turnAttributes(turn, who, settings) {
  let to = common(GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT, who);
  return addRun(to, turn, [turn], settings), put2(to, ATTR_TURN_NUMBER, turn.number), put2(to, ATTR_TURN_TRIGGER, turn.trigger), put2(to, ATTR_COMMAND, turn.command), turn.rewound !== void 0 && put2(to, ATTR_TURN_REWOUND_TO, turn.rewound.toTurnId ?? ""), turn.copiedFrom !== void 0 && put2(to, ATTR_TURN_COPIED, !0), put2(to, ATTR_VCS_REF_HEAD_NAME, turn.branch), turn.problems > 0 && put2(to, ATTR_PROBLEMS, turn.problems), turn.redactions !== void 0 && addRedactions(to, turn.redactions), to;
}
function agentAttributes(agent, call, who, settings) {
  let to = common(GEN_AI_OPERATION_NAME_VALUE_INVOKE_AGENT, who);
  return addRun(to, agent, [agent, ...agent.respawns], settings), put2(to, ATTR_AGENT_TYPE, agent.type), agent.respawns.length > 0 && put2(to, ATTR_AGENT_RESPAWNS, agent.respawns.length), put2(to, ATTR_GEN_AI_TOOL_CALL_ID, call?.id), put2(to, ATTR_PERMISSION_DECISION, call?.permission?.decision), put2(to, ATTR_PERMISSION_SOURCE, call?.permission?.source), settings.content && put2(to, ATTR_GEN_AI_AGENT_DESCRIPTION, agent.description), to;
}
function chatAttributes(call, who, settings) {
  let { profile } = settings, { usage } = call, to = common(GEN_AI_OPERATION_NAME_VALUE_CHAT, who);
  if (put2(to, ATTR_GEN_AI_PROVIDER_NAME, call.provider), put2(to, ATTR_GEN_AI_REQUEST_MODEL, call.requestModel ?? call.model), put2(to, ATTR_GEN_AI_REQUEST_STREAM, !0), put2(to, ATTR_GEN_AI_RESPONSE_MODEL, call.model), put2(to, ATTR_GEN_AI_RESPONSE_ID, call.id), call.finishReason !== void 0 && put2(to, ATTR_GEN_AI_RESPONSE_FINISH_REASONS, [call.finishReason]), usage !== void 0) {
    addUsage(to, usage, profile, !0), usage.reliable || put2(to, ATTR_USAGE_UNRELIABLE, !0);
    let cost = costUsd(call.provider, call.model, usage, call.startedAtMs);
    put2(to, ATTR_COST_USD, cost), cost !== void 0 && put2(to, ATTR_COST_PRICES, `genai-prices ${PRICES_VERSION}`);
  }
  return put2(to, profile.effort, call.effort), call.retries > 0 && put2(to, ATTR_RETRIES, call.retries), call.serverToolCalls > 0 && put2(to, ATTR_SERVER_TOOL_CALLS, call.serverToolCalls), profile.compacted !== void 0 && call.afterCompaction && put2(to, profile.compacted, !0), settings.content && call.input !== void 0 && call.output !== void 0 && (put2(to, ATTR_GEN_AI_INPUT_MESSAGES, messagesJson(call.input)), put2(to, ATTR_INPUT_SCOPE, "delta"), put2(to, ATTR_GEN_AI_OUTPUT_MESSAGES, messagesJson([call.output], finishReason(call, profile)))), to;
}
function toolAttributes(call, who, settings) {
  let to = common(GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL, who);
  return put2(to, ATTR_GEN_AI_TOOL_NAME, call.name), put2(to, ATTR_GEN_AI_TOOL_CALL_ID, call.id), put2(to, ATTR_GEN_AI_TOOL_TYPE, call.mcp === void 0 ? "function" : "extension"), call.mcp !== void 0 && (put2(to, ATTR_MCP_METHOD_NAME, "tools/call"), put2(to, ATTR_MCP_SERVER_NAME, call.mcp.server)), put2(to, ATTR_GEN_AI_SKILL_NAME, call.skill), put2(to, ATTR_PROCESS_EXIT_CODE, call.exitCode), put2(to, ATTR_PERMISSION_DECISION, call.permission?.decision), put2(to, ATTR_PERMISSION_SOURCE, call.permission?.source), put2(to, ATTR_TASK_ID, call.taskId), put2(to, ATTR_TEAMMATE, call.teammate), put2(to, ATTR_OUTCOME, toolOutcomeName(call)), call.outcome.kind === "error" && put2(to, ATTR_ERROR_TYPE, call.outcome.errorType), settings.content && (call.input !== void 0 && put2(to, ATTR_GEN_AI_TOOL_CALL_ARGUMENTS, cappedJson(call.input)), call.output !== void 0 && put2(to, ATTR_GEN_AI_TOOL_CALL_RESULT, cappedJson(resultJson(call.output)))), to;
}
function put2(to, name, value) {
  value !== void 0 && (to[name] = value);
}
function common(operation, who) {
  let to = {};
  return put2(to, ATTR_GEN_AI_OPERATION_NAME, operation), put2(to, ATTR_GEN_AI_CONVERSATION_ID, who.conversationId), put2(to, ATTR_SESSION_ID, who.conversationId), put2(to, ATTR_GEN_AI_AGENT_NAME, who.agentName), put2(to, ATTR_GEN_AI_AGENT_ID, who.agentId), who.unclaimed && put2(to, ATTR_AGENT_UNCLAIMED, !0), to;
}
function addRun(to, run2, runs, settings) {
  let calls = runs.flatMap(({ modelCalls }) => modelCalls), { profile } = settings, last = calls.at(-1), usages = calls.flatMap((call) => call.usage ?? []);
  profile.agentHasProvider && put2(to, ATTR_GEN_AI_PROVIDER_NAME, last?.provider), profile.agentHasVersion && put2(to, ATTR_GEN_AI_AGENT_VERSION, run2.version), settings.agentUsage === "own" && usages.length > 0 && (addUsage(to, usages.reduce(sum), profile, profile.agentHasCacheTokens), usages.some((usage) => !usage.reliable) && put2(to, ATTR_USAGE_UNRELIABLE, !0)), last?.finishReason !== void 0 && put2(to, ATTR_GEN_AI_RESPONSE_FINISH_REASONS, [last.finishReason]), run2.finished && put2(to, ATTR_OUTCOME, run2.outcome.kind), put2(to, ATTR_ERROR_TYPE, errorTypeOf2(run2.outcome)), put2(to, ATTR_MODEL_CALLS, calls.length), put2(
    to,
    ATTR_TOOL_CALLS,
    runs.reduce((count, { toolCalls }) => count + toolCalls.length, 0)
  );
  let compaction = run2.compactions.at(-1);
  compaction !== void 0 && (put2(to, ATTR_COMPACTIONS, run2.compactions.length), put2(to, ATTR_COMPACTION_TOKENS_BEFORE, compaction.tokensBefore), put2(to, ATTR_COMPACTION_TOKENS_AFTER, compaction.tokensAfter)), settings.content && (run2.prompt !== void 0 && put2(to, ATTR_GEN_AI_INPUT_MESSAGES, messagesJson([{ role: "user", parts: run2.prompt }])), run2.answer !== void 0 && run2.answer.length > 0 && put2(to, ATTR_GEN_AI_OUTPUT_MESSAGES, messagesJson([{ role: "assistant", parts: run2.answer }], finishReason(last, profile))));
}
function addRedactions(to, redactions) {
  put2(
    to,
    ATTR_REDACTIONS,
    Object.values(redactions).reduce((total, count) => total + count, 0)
  );
  for (let [rule, count] of Object.entries(redactions).toSorted(([a], [b2]) => a < b2 ? -1 : 1))
    put2(to, `${ATTR_REDACTIONS}.${rule}`, count);
}
var errorTypeOf2 = (outcome) => outcome.kind === "error" ? outcome.errorType : void 0, finishReason = (call, profile) => profile.finishReasonInMessage ? call?.finishReason ?? "error" : void 0;
function addUsage(to, usage, profile, withParts) {
  put2(to, ATTR_GEN_AI_USAGE_INPUT_TOKENS, usage.input), put2(to, ATTR_GEN_AI_USAGE_OUTPUT_TOKENS, usage.output), withParts && (put2(to, ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, usage.cacheRead), put2(to, profile.cacheWriteTokens, usage.cacheWrite), put2(to, ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, usage.reasoning));
}
var sum = (a, b2) => ({
  input: a.input + b2.input,
  output: a.output + b2.output,
  cacheRead: a.cacheRead + b2.cacheRead,
  cacheWrite: a.cacheWrite + b2.cacheWrite,
  cacheWrite1h: a.cacheWrite1h + b2.cacheWrite1h,
  webSearches: a.webSearches + b2.webSearches,
  reliable: a.reliable && b2.reliable,
  ...(a.reasoning !== void 0 || b2.reasoning !== void 0) && { reasoning: (a.reasoning ?? 0) + (b2.reasoning ?? 0) }
});
function toolOutcomeName({ outcome }) {
  switch (outcome.kind) {
    case "ok":
    case "open":
      return;
    case "error":
    case "denied":
    case "interrupted":
      return outcome.kind;
    default:
      return outcome;
  }
}

// src/trace/ids.ts
var crypto = __toESM(require("node:crypto"), 1), traceIdOf = (startId) => hex(`trace-build v1 trace ${startId}`, 32), spanIdOf = (traceId, kind, nativeId) => hex(`trace-build v1 span ${traceId} ${kind} ${nativeId}`, 16), sha256 = typeof crypto.hash == "function" ? (text3) => crypto.hash("sha256", text3, "hex") : (text3) => crypto.createHash("sha256").update(text3).digest("hex"), hex = (seed, length) => sha256(seed).slice(0, length);

// src/trace/build.ts
function spansOf(session, options = {}) {
  let builder = new SpanBuilder(session, options);
  return [
    ...session.turns.flatMap((turn, at) => builder.turn(turn, session.turns[at - 1]?.startId ?? session.previousTurnId)),
    ...session.strays.flatMap((agent) => builder.stray(agent))
  ];
}
var SpanBuilder = class {
  #session;
  #options;
  #settings;
  #resources = /* @__PURE__ */ new Map();
  constructor(session, options) {
    this.#session = session, this.#options = options, this.#settings = {
      profile: profiles[options.semconv ?? "1.41"],
      content: options.content ?? !1,
      agentUsage: options.agentUsage ?? "own"
    };
  }
  turn(turn, previousTurnId) {
    let traceId = traceIdOf(turn.startId), who = {
      conversationId: turn.copiedFrom?.sessionId ?? this.#session.id,
      agentName: this.#session.agentName,
      unclaimed: !1
    }, place2 = { traceId, parentSpanId: void 0, resource: this.#resource(turn.version), who, open: !turn.finished }, spanId = spanIdOf(traceId, "turn", turn.startId);
    return [spanAt(place2, spanId, {
      name: `invoke_agent ${who.agentName}`,
      kind: "internal",
      startMs: turn.startedAtMs,
      endMs: turn.endedAtMs,
      status: this.#runStatus(turn.outcome),
      attributes: turnAttributes(turn, who, this.#settings),
      events: marks(turn),
      links: this.#turnLinks(turn, previousTurnId)
    }), ...this.#children(turn, { ...place2, parentSpanId: spanId })];
  }
  /** An agent of a session without turns: the root of a trace of its own. */
  stray(agent) {
    let traceId = traceIdOf(agent.startId), who = { conversationId: this.#session.id, agentName: agent.name, unclaimed: !0 };
    return this.#agent(agent, void 0, { traceId, parentSpanId: void 0, resource: this.#resource(agent.version), who, open: !1 });
  }
  #children(run2, place2) {
    let unclaimed = { ...place2, who: { ...place2.who, unclaimed: !0 } };
    return [
      ...run2.modelCalls.map((call) => this.#chat(call, place2)),
      ...run2.toolCalls.flatMap((call) => call.agent === void 0 ? this.#tool(call, place2) : this.#agent(call.agent, call, place2)),
      ...run2.unclaimedAgents.flatMap((agent) => this.#agent(agent, void 0, unclaimed))
    ];
  }
  #chat(call, place2) {
    return spanAt(place2, spanIdOf(place2.traceId, "chat", call.id), {
      name: `chat ${call.requestModel ?? call.model}`,
      kind: "client",
      startMs: call.startedAtMs,
      endMs: call.endedAtMs,
      status: UNSET,
      attributes: chatAttributes(call, place2.who, this.#settings),
      events: NONE,
      links: NONE
    });
  }
  #tool(call, place2) {
    let spanId = spanIdOf(place2.traceId, "call", call.id);
    return [spanAt(place2, spanId, {
      name: `execute_tool ${call.name}`,
      kind: "internal",
      startMs: call.startedAtMs,
      endMs: endOf2(call),
      status: this.#toolStatus(call),
      attributes: toolAttributes(call, place2.who, this.#settings),
      events: NONE,
      links: NONE
    }), ...call.agents.flatMap((agent) => this.#agent(agent, void 0, { ...place2, parentSpanId: spanId }))];
  }
  /** From its call, or its first line if that is earlier, to its last line or that of its descendants. */
  #agent(agent, call, outer) {
    let spanId = call === void 0 ? spanIdOf(outer.traceId, "agent", agent.id) : spanIdOf(outer.traceId, "call", call.id), who = { ...outer.who, agentName: agent.name, agentId: agent.id }, place2 = { ...outer, who, open: outer.open || !agent.finished }, inner = { ...place2, parentSpanId: spanId }, children = [
      ...this.#children(agent, inner),
      ...agent.respawns.flatMap((respawn) => this.#children(respawn, { ...inner, who: { ...who, agentId: respawn.id } }))
    ];
    return [spanAt(place2, spanId, {
      name: `invoke_agent ${agent.name}`,
      kind: "internal",
      startMs: children.reduce(
        (start, child) => Math.min(start, child.startMs),
        Math.min(call?.startedAtMs ?? agent.startedAtMs, agent.startedAtMs)
      ),
      endMs: children.reduce((end, child) => Math.max(end, child.endMs), agent.endedAtMs),
      status: this.#runStatus(agent.outcome),
      attributes: agentAttributes(agent, call, who, this.#settings),
      events: marks(agent),
      links: NONE
    }), ...children];
  }
  #turnLinks(turn, previousTurnId) {
    let rootLink = (startId, kind) => {
      let traceId = traceIdOf(startId);
      return { traceId, spanId: spanIdOf(traceId, "turn", startId), attributes: { [ATTR_LINK_KIND]: kind } };
    }, { startedBy } = this.#session;
    return [
      ...previousTurnId === void 0 ? [] : [rootLink(previousTurnId, "previous_turn")],
      ...turn.notifiedBy.map((ref) => callLink(ref, "task")),
      ...(turn.rewound?.droppedTurnIds ?? []).map((id) => rootLink(id, "rewound")),
      ...startedBy === void 0 ? [] : [callLink(startedBy, "started_by")]
    ];
  }
  #resource(version2) {
    let key = version2 ?? "", known = this.#resources.get(key);
    if (known !== void 0) return known;
    let resource = {
      attributes: {
        [ATTR_SERVICE_NAME]: this.#session.harness,
        ...version2 !== void 0 && { [ATTR_SERVICE_VERSION]: version2 },
        ...this.#options.repositoryUrl !== void 0 && repositoryAttributes(this.#options.repositoryUrl),
        ...this.#options.resource
      }
    };
    return this.#resources.set(key, resource), resource;
  }
  #runStatus(outcome) {
    let errorType = errorTypeOf2(outcome);
    return errorType === void 0 ? UNSET : this.#error(errorType, outcome.kind === "error" ? outcome.message : void 0);
  }
  #toolStatus({ outcome }) {
    return outcome.kind === "error" ? this.#error(outcome.errorType, outcome.message) : UNSET;
  }
  /** What went wrong is content; without it a fixed phrase has to do. */
  #error(errorType, message) {
    let phrase = errorType.startsWith("api_") ? "the model API answered with an error" : PHRASES[errorType] ?? "failed";
    return { kind: "error", message: this.#settings.content && message ? statusText(message) : phrase };
  }
}, PHRASES = {
  tool_error: "the tool reported an error",
  timeout: "the tool ran out of time",
  permission_denied: "permission was denied by a rule",
  unknown_tool: "there is no such tool",
  invalid_arguments: "the arguments did not fit the tool",
  agent_error: "the agent ended with an error"
}, UNSET = { kind: "unset" }, NONE = [], spanAt = (place2, spanId, own2) => ({
  traceId: place2.traceId,
  spanId,
  parentSpanId: place2.parentSpanId,
  name: own2.name,
  kind: own2.kind,
  startMs: own2.startMs,
  endMs: own2.endMs,
  status: own2.status,
  attributes: own2.attributes,
  events: own2.events,
  links: own2.links,
  resource: place2.resource,
  open: place2.open
}), endOf2 = ({ outcome, startedAtMs }) => outcome.kind === "open" ? startedAtMs : outcome.endedAtMs ?? startedAtMs;
function callLink({ startId, id, kind }, linkKind) {
  let traceId = traceIdOf(startId);
  return { traceId, spanId: spanIdOf(traceId, kind, id), attributes: { [ATTR_LINK_KIND]: linkKind } };
}
var marks = (run2) => [
  ...run2.compactions.map((compaction) => ({
    name: EVENT_COMPACTION,
    timeMs: compaction.atMs,
    attributes: compactionAttributes(compaction)
  })),
  ...run2.steeringMs.map((timeMs) => ({ name: EVENT_STEERING, timeMs, attributes: {} }))
], compactionAttributes = ({ trigger, tokensBefore, tokensAfter, durationMs }) => ({
  ...trigger !== void 0 && { [ATTR_COMPACTION_TRIGGER]: trigger },
  ...tokensBefore !== void 0 && { [ATTR_COMPACTION_TOKENS_BEFORE]: tokensBefore },
  ...tokensAfter !== void 0 && { [ATTR_COMPACTION_TOKENS_AFTER]: tokensAfter },
  ...durationMs !== void 0 && { [ATTR_COMPACTION_DURATION_MS]: durationMs }
}), VCS_PROVIDERS = [
  [/(^|\.)github\./, "github"],
  [/(^|\.)gitlab\./, "gitlab"],
  [/(^|\.)bitbucket\./, "bitbucket"],
  [/(^|\.)gitea\./, "gitea"]
];
function repositoryAttributes(url) {
  let { hostname: hostname2, pathname } = new URL(url), path2 = pathname.split("/").filter((part) => part !== ""), provider = VCS_PROVIDERS.find(([pattern2]) => pattern2.test(hostname2))?.[1];
  return {
    [ATTR_VCS_REPOSITORY_URL_FULL]: url,
    ...path2.length > 0 && { [ATTR_VCS_REPOSITORY_NAME]: path2.at(-1) },
    ...path2.length > 1 && { [ATTR_VCS_OWNER_NAME]: path2.slice(0, -1).join("/") },
    ...provider !== void 0 && { [ATTR_VCS_PROVIDER_NAME]: provider }
  };
}

// src/pipeline.ts
var nothingKnown = () => ({ agents: /* @__PURE__ */ new Map(), repositories: /* @__PURE__ */ new Map() });
function traceSession(ref, options, standing, known = nothingKnown()) {
  let { resume: resume2 } = standing;
  return (resume2?.agents.every(isAsItWas) ? added(ref, options, standing, resume2, known) : void 0) ?? whole2(ref, options, standing, known);
}
function added(ref, options, standing, resume2, known) {
  let { checkpoint, directory } = resume2, opened = openMain(ref, resume2.cursor, checkpoint.line);
  if (opened.fromStart) return;
  let placed = new Set(checkpoint.agents), parts = partsOf2(
    { ...ref, agents: ref.agents.filter(({ agentId }) => !placed.has(agentId)) },
    opened,
    options,
    standing,
    known,
    placed
  ), normalised = ref.harness.resume({ ...parts.files, related: [] }, checkpoint);
  return normalised && traced(normalised, parts.agents, { ...resume2, directory }, opened, options, known);
}
function whole2(ref, options, standing, known) {
  let opened = openMain(ref), { files, agents, directory } = partsOf2(ref, opened, options, standing, known, /* @__PURE__ */ new Set());
  return traced(ref.harness.normalise(files), agents, { directory, agents: [] }, opened, options, known);
}
function partsOf2(ref, opened, options, { ended, stoppedAtMs }, known, placed) {
  let { harness } = ref, parse2 = parserOf(harness, options), main = parse2(opened.file), wants2 = harness.wants(main, /* @__PURE__ */ new Set([...placed, ...ref.agents.map(({ agentId }) => agentId)])), borrowed = wants2.agents.flatMap((agentId) => findAgent(ref, agentId, known.agents) ?? []), neighbours = opened.fromStart ? wants2.sessionPrefixes.flatMap((prefix) => findNeighbour(ref, prefix) ?? []) : [], agents = [...ref.agents, ...borrowed].map((agent) => ({ ...agent, stamp: stampOf(agent.path) }));
  return {
    files: {
      sessionId: ref.sessionId,
      main,
      agents: agents.map((agent) => parse2(agentFile(agent))),
      related: neighbours.map((path2) => parse2(openFile(path2))),
      ended,
      ...stoppedAtMs !== void 0 && { stoppedAtMs }
    },
    agents,
    directory: wants2.directory
  };
}
function traced({ session, problems, checkpointAt }, agents, earlier, opened, options, known) {
  let { directory } = earlier, repository = directory === void 0 ? void 0 : repositoryOf(directory, known.repositories);
  return {
    session,
    spans: build(session, options, repository?.url, directory),
    problems,
    problemCounts: countByReason(problems, earlier.checkpoint?.problems),
    resumeAt: (at) => {
      let checkpoint = checkpointAt(at), cursor = checkpoint && opened.cursorAfter(checkpoint.line);
      if (checkpoint === void 0 || cursor === void 0) return;
      let placed = new Set(checkpoint.agents), newlyPlaced = agents.filter(({ agentId }) => placed.has(agentId)).map(({ path: path2, stamp }) => ({ path: path2, stamp }));
      return { cursor, checkpoint, directory, agents: [...earlier.agents, ...newlyPlaced] };
    }
  };
}
var isAsItWas = ({ path: path2, stamp }) => [stamp, void 0].includes(stampOf(path2));
var parserOf = (harness, options) => (file) => harness.parse(file, { content: keepsContent(options) }), keepsContent = ({ content = "none" }) => content !== "none", ownRules;
function ownRedactor() {
  return ownRules ??= createRedactor(builtInRules.filter(({ pack }) => pack === "credentials")), ownRules;
}
function build(session, options, repositoryUrl, directory) {
  let redactor = options.content === "full" ? void 0 : (options.redactorFor ?? ownRedactor)(directory), address = repositoryUrl && (redactor?.text(repositoryUrl).value ?? repositoryUrl);
  return spansOf(redactor === void 0 ? session : redactSession(session, redactor), {
    content: keepsContent(options),
    ...options.semconv !== void 0 && { semconv: options.semconv },
    ...options.agentUsage !== void 0 && { agentUsage: options.agentUsage },
    ...options.resource !== void 0 && { resource: redactor?.value(options.resource).value ?? options.resource },
    ...address !== void 0 && URL.canParse(address) && { repositoryUrl: address }
  });
}

// src/trace/parent.ts
function parentFrom(traceparent) {
  let match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(traceparent.trim());
  if (match === null) return;
  let [, version2, traceId, spanId, flags, more] = match;
  if (!(version2 === "ff" || version2 === "00" && more !== void 0 || /^0+$/.test(traceId) || /^0+$/.test(spanId)))
    return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
var underParent = (span, parent) => ({
  ...span,
  traceId: parent.traceId,
  parentSpanId: span.parentSpanId ?? parent.spanId,
  links: span.links.map((link) => isWithinSession(link) ? { ...link, traceId: parent.traceId } : link)
}), isWithinSession = ({ attributes }) => attributes[ATTR_LINK_KIND] !== "started_by";

// src/sync/standing.ts
var import_node_fs11 = require("node:fs");
var SILENCE_MS = 1440 * 6e4, AFTERMATH_MS = 2e3, standingOf = (ref, state, nowMs) => ({
  ended: hasEnded(ref, state, nowMs),
  stoppedAtMs: state.stoppedAtMs
});
function hasEnded(ref, state, nowMs) {
  if (state.endedAtMs !== void 0 && state.endedAtMs >= Math.max(state.startedAtMs ?? 0, state.stoppedAtMs ?? 0) && ref.modifiedMs <= state.endedAtMs + AFTERMATH_MS || state.process !== void 0 && isAlive(state.process) === !1 || nowMs - ref.modifiedMs >= SILENCE_MS) return !0;
  let lastMs = ref.path === void 0 ? void 0 : lastTimeIn(ref);
  return lastMs !== void 0 && nowMs - lastMs >= SILENCE_MS;
}
var lastTimeIn = (ref) => lastLines(ref.path).flatMap((line) => ref.harness.layout.timeOf(line) ?? []).reduce((latest, atMs) => Math.max(latest ?? 0, atMs), void 0), TAIL_BYTES = 64 * 1024;
function lastLines(path2) {
  try {
    let fd = (0, import_node_fs11.openSync)(path2, "r");
    try {
      let { size } = (0, import_node_fs11.fstatSync)(fd), buffer = Buffer.alloc(Math.min(TAIL_BYTES, size));
      return buffer.toString("utf8", 0, (0, import_node_fs11.readSync)(fd, buffer, 0, buffer.length, size - buffer.length)).split(`
`);
    } finally {
      (0, import_node_fs11.closeSync)(fd);
    }
  } catch {
    return [];
  }
}
var stampsOf = (ref) => [ref.path, ...ref.agents.map(({ path: path2 }) => path2)].map((path2) => path2 === void 0 ? "" : stampOf(path2)).join("|"), isOwnStamp = (path2, seen) => seen.split("|")[0] === stampOf(path2);

// src/sync/state.ts
var import_node_crypto4 = require("node:crypto"), import_node_fs12 = require("node:fs"), import_node_path9 = require("node:path");
var VERSION4 = 1;
function readState(stateFolder, { harness, sessionId }) {
  let nothing = { v: VERSION4, harness, sessionId };
  try {
    let known = JSON.parse(readIfThere(pathOf(stateFolder, { harness, sessionId })) ?? "{}");
    return known.v === VERSION4 && known.sessionId === sessionId ? known : nothing;
  } catch {
    return nothing;
  }
}
function writeState(stateFolder, state, standing) {
  let marker = markerOf(stateFolder, state);
  standing === "unsettled" && mark2(stateFolder, marker), writePrivate(pathOf(stateFolder, state), `${JSON.stringify(state)}
`), standing === "settled" && settle2(stateFolder, state);
}
var settle2 = (stateFolder, name) => (0, import_node_fs12.rmSync)(markerOf(stateFolder, name), { force: !0 });
function forget(stateFolder, name) {
  settle2(stateFolder, name), (0, import_node_fs12.rmSync)(pathOf(stateFolder, name), { force: !0 });
}
function unsettledSessions(stateFolder) {
  return namesIn((0, import_node_path9.join)(stateFolder, "sessions", "unsettled")).flatMap((name) => {
    let at = name.indexOf("~"), [harness, sessionId] = [name.slice(0, at), name.slice(at + 1)], [known] = stateIn((0, import_node_path9.join)(stateFolder, "sessions", harness, `${sessionId}.json`));
    return at < 0 ? [] : [known ?? { v: VERSION4, harness, sessionId }];
  });
}
var allSessions = (stateFolder) => namesIn((0, import_node_path9.join)(stateFolder, "sessions")).filter((harness) => harness !== "unsettled").flatMap(
  (harness) => namesIn((0, import_node_path9.join)(stateFolder, "sessions", harness)).filter((name) => name.endsWith(".json")).flatMap((name) => stateIn((0, import_node_path9.join)(stateFolder, "sessions", harness, name)))
);
function stateIn(path2) {
  try {
    let state = JSON.parse(readIfThere(path2) ?? "{}");
    return state?.v === VERSION4 ? [state] : [];
  } catch {
    return [];
  }
}
var pathOf = (stateFolder, name) => (0, import_node_path9.join)(stateFolder, "sessions", name.harness, `${fileName(name)}.json`), markerOf = (stateFolder, name) => (0, import_node_path9.join)(stateFolder, "sessions", "unsettled", `${name.harness}~${fileName(name)}`), fileName = ({ sessionId }) => /^[\w-][\w.-]{0,150}$/.test(sessionId) ? sessionId : (0, import_node_crypto4.createHash)("sha256").update(sessionId).digest("hex");
function mark2(stateFolder, marker) {
  (0, import_node_fs12.mkdirSync)((0, import_node_path9.join)(stateFolder, "sessions", "unsettled"), { recursive: !0, mode: 448 }), (0, import_node_fs12.writeFileSync)(marker, "", { mode: 384 });
}
function namesIn(folder) {
  try {
    return (0, import_node_fs12.readdirSync)(folder);
  } catch {
    return [];
  }
}

// src/sync/deliver-session.ts
async function deliverSession(ref, tools) {
  let { stateFolder, outlet, version: version2 } = tools, state = stateOf(ref, tools), marks2 = tools.marks && !state.disabled, standing = tools.final ? { ended: !0 } : standingOf(ref, state, tools.now()), seen = stampsOf(ref), delivered = tools.resend ? void 0 : state.delivered?.[outlet.key], sinceMs = sinceOf(ref, state, tools), known = delivered?.version === version2 && coversAll(delivered, sinceMs) ? delivered : void 0;
  if (known?.seen === seen && known.ended === standing.ended && known.pending === 0)
    return marks2 && known.ended && known.open === 0 && settle2(stateFolder, nameOf(ref)), { kind: "as it was" };
  if (parentOf(state)?.sampled === !1)
    return writeState(stateFolder, state, marks2 ? standing.ended ? "settled" : "unsettled" : "unmarked"), { kind: "not sampled" };
  let whole3 = traceSession(ref, tools.build, { ...standing, resume: known?.resume }), traced2 = sinceMs === void 0 ? whole3 : { ...whole3, spans: begunSince(whole3.spans, sinceMs) }, report = await sendTraced(traced2, state, outlet), next = remembered(ref, traced2, report, { state, standing, seen, sinceMs }, tools), isSettled = standing.ended && report.unsettled.size === 0 && lastEvents(next) === lastEvents(state);
  return writeState(stateFolder, next, marks2 ? isSettled ? "settled" : "unsettled" : "unmarked"), { kind: "sent", traced: traced2, report };
}
function sinceOf(ref, { delivered }, { outlet, sinceMs }) {
  let known = delivered?.[outlet.key];
  if (known !== void 0 && known.sinceMs === void 0) return;
  let given = sinceMs?.(ref);
  return given !== void 0 && ref.begunMs < given ? given : void 0;
}
var coversAll = (then, sinceMs) => then.sinceMs === void 0 || sinceMs !== void 0 && then.sinceMs <= sinceMs;
function begunSince(spans, sinceMs) {
  let begunMs2 = /* @__PURE__ */ new Map();
  for (let { traceId, startMs } of spans) begunMs2.set(traceId, Math.min(startMs, begunMs2.get(traceId) ?? startMs));
  return spans.filter(({ traceId }) => begunMs2.get(traceId) >= sinceMs);
}
var sendTraced = (traced2, state, outlet) => {
  let parent = parentOf(state);
  return outlet.send(traced2.spans, traced2.session.id, parent && ((span) => underParent(span, parent)));
};
function remembered(ref, traced2, report, { state, standing, seen, sinceMs }, { stateFolder, outlet, version: version2, now }) {
  let known = readState(stateFolder, nameOf(ref)), { turns } = traced2.session, at = turns.findIndex(({ startId }) => report.unsettled.has(traceIdOf(startId))), resume2 = traced2.resumeAt(at < 0 ? turns.length : at), { failure: _, ...rest } = known.seenAtMs === void 0 ? state : known, delivered = {
    version: version2,
    atMs: now(),
    seen,
    ended: standing.ended,
    open: report.open,
    pending: report.pending,
    refused: report.refused,
    problems: traced2.problemCounts,
    ...resume2 !== void 0 && { resume: resume2 },
    ...sinceMs !== void 0 && { sinceMs }
  };
  return {
    ...rest,
    conversationId: traced2.session.id,
    ...ref.path !== void 0 && { path: ref.path },
    delivered: { ...known.delivered, [outlet.key]: delivered },
    ...report.stopped !== void 0 && { failure: { atMs: now(), message: report.stopped } }
  };
}
var lastEvents = ({ startedAtMs, stoppedAtMs, endedAtMs }) => [startedAtMs, stoppedAtMs, endedAtMs].join();
function stateOf(ref, { stateFolder, traceparent, now }) {
  let known = readState(stateFolder, nameOf(ref));
  return known.seenAtMs === void 0 && traceparent !== void 0 ? { ...known, seenAtMs: now(), traceparent } : known;
}
var nameOf = (ref) => ({ harness: ref.harness.name, sessionId: ref.sessionId }), parentOf = ({ traceparent }) => traceparent === void 0 ? void 0 : parentFrom(traceparent);

// src/sync/directories.ts
var import_node_fs14 = require("node:fs"), import_node_path11 = require("node:path");

// src/read/directory.ts
var import_node_fs13 = require("node:fs"), import_node_path10 = require("node:path");

// src/read/git-config.ts
function remoteUrls(text3) {
  let section = "";
  return logicalLines(text3).flatMap((line) => {
    let header2 = /^\s*\[\s*([\w.-]+)(?:\s+"(?:[^"\\]|\\.)*")?\s*\]/.exec(line);
    if (header2 !== null && (section = header2[1].toLowerCase()), section.split(".")[0] !== "remote") return [];
    let url = /^\s*(?:push)?url\s*=\s*(.*)$/i.exec(line.slice(header2?.[0].length ?? 0))?.[1];
    return url === void 0 ? [] : [unquoted2(url)];
  });
}
var includesFiles = (text3) => /^\s*\[\s*include(?:if)?\b/im.test(text3), logicalLines = (text3) => text3.replaceAll(/^\s*[#;].*$/gm, "").replaceAll(/\\\r?\n/g, "").split(/\r?\n/);
function unquoted2(written) {
  return /^(?:"(?:[^"\\]|\\.)*"|\\.|[^"\\#;])*/.exec(written)[0].trim().replaceAll(/\\(.)|"/g, (_, escaped2) => escaped2 ?? "");
}

// src/read/directory.ts
function directoryFacts(directory) {
  let path2 = realPath(directory), [nearest, ...outer] = gitsAround(path2), [repository] = mainOf(nearest);
  return {
    directory: (0, import_node_path10.resolve)(directory),
    path: path2,
    exists: (0, import_node_fs13.existsSync)(path2),
    ...repository !== void 0 && { repository },
    remotes: nearest === void 0 ? [] : remotesOf(nearest),
    outerRemotes: [...new Set(outer.flatMap((git) => git === void 0 ? [] : remotesOf(git)))],
    outerRepositories: outer.flatMap(mainOf),
    realPath
  };
}
function realPath(path2) {
  let absolute = (0, import_node_path10.resolve)(path2);
  try {
    return import_node_fs13.realpathSync.native(absolute);
  } catch {
    return absolute === (0, import_node_path10.dirname)(absolute) ? absolute : (0, import_node_path10.join)(realPath((0, import_node_path10.dirname)(absolute)), (0, import_node_path10.basename)(absolute));
  }
}
function gitsAround(path2) {
  let folder = gitFolder(path2), here = folder === void 0 ? [] : [isGitFolder(folder) ? { top: path2, folder, ...commonOf(path2, folder) } : void 0];
  return path2 === (0, import_node_path10.dirname)(path2) ? here : [...here, ...gitsAround((0, import_node_path10.dirname)(path2))];
}
function gitFolder(top) {
  let git = (0, import_node_path10.join)(top, ".git"), target = /^gitdir: (.+?)\s*$/.exec(text2(git) ?? "")?.[1];
  return target === void 0 ? [git, top].find(isGitFolder) : (0, import_node_path10.resolve)(top, target);
}
var isGitFolder = (folder) => (0, import_node_fs13.existsSync)((0, import_node_path10.join)(folder, "HEAD")) && ["objects", "commondir"].some((name) => (0, import_node_fs13.existsSync)((0, import_node_path10.join)(folder, name)));
function commonOf(top, folder) {
  let commondir = text2((0, import_node_path10.join)(folder, "commondir"))?.trim();
  if (!commondir) return { common: folder, linked: !1 };
  let back = text2((0, import_node_path10.join)(folder, "gitdir"))?.trim(), linked = back !== void 0 && realPath((0, import_node_path10.resolve)(folder, back)) === realPath((0, import_node_path10.join)(top, ".git"));
  return { common: realPath((0, import_node_path10.resolve)(folder, commondir)), linked };
}
var mainOf = (git) => git?.linked !== !0 ? [] : [(0, import_node_path10.basename)(git.common) === ".git" ? (0, import_node_path10.dirname)(git.common) : git.common];
function remotesOf({ top, folder, common: common2 }) {
  let config2 = [(0, import_node_path10.join)(common2, "config"), (0, import_node_path10.join)(folder, "config.worktree")].map((path2) => text2(path2) ?? "").join(`
`), urls2 = remoteUrls(config2), all = !includesFiles(config2) && urls2.every((url) => browserUrl(url) !== void 0 || isLocal(url)) ? urls2 : [...urls2, ...gitRemotes(top)];
  return [...new Set(all.flatMap((url) => remoteName(url) ?? []))];
}
var isLocal = (url) => /^(?:[./]|[A-Za-z]:[\\/]|file:)/.test(url), gitRemotes = (directory) => [...gitSays(directory, ["remote", "-v"]).matchAll(/^[^\t\n]*\t(.+) \((?:fetch|push)\)/gm)].map(([, url]) => url);
function remoteName(url) {
  let address = browserUrl(url)?.replace(/^https?:\/\//, ""), alias = isLocal(url) ? null : /^(?:[^@/:]+@)?([\w.-]+):(?!\/\/)\/*(.+?)(?:\.git)?\/*$/.exec(url);
  return address ?? (alias === null ? void 0 : `${alias[1]}/${alias[2]}`);
}
function text2(path2) {
  try {
    return (0, import_node_fs13.statSync)(path2).isFile() ? readIfThere(path2) : void 0;
  } catch {
    return;
  }
}

// src/sync/directories.ts
var MAX_KEPT = 2e3;
function directoriesIn(stateFolder) {
  let path2 = stateFolder === void 0 ? void 0 : (0, import_node_path11.join)(stateFolder, "directories.jsonl"), lines2 = path2 === void 0 ? /* @__PURE__ */ new Map() : linesIn(path2);
  return {
    factsOf: (directory) => {
      let facts = directoryFacts(directory), line = facts.exists ? void 0 : lines2.get(facts.directory);
      return line === void 0 ? facts : { ...JSON.parse(line), realPath: facts.realPath };
    },
    remember: (facts) => {
      let line = JSON.stringify(facts);
      path2 === void 0 || lines2.get(facts.directory) === line || (lines2.set(facts.directory, line), append2(path2, `${line}
`));
    },
    isKnown: (directory) => lines2.has(directory)
  };
}
function linesIn(path2) {
  let written = textOf5(path2).split(`
`).slice(0, -1), lines2 = /* @__PURE__ */ new Map();
  for (let line of written) {
    let directory = directoryIn(line);
    directory !== void 0 && (lines2.delete(directory), lines2.set(directory, line));
  }
  if (written.length <= 2 * MAX_KEPT) return lines2;
  let kept = [...lines2].slice(-MAX_KEPT);
  return quietly(() => writePrivate(path2, kept.map(([, line]) => `${line}
`).join(""))), new Map(kept);
}
function directoryIn(line) {
  try {
    let { directory, path: path2, exists, repository, remotes, outerRemotes, outerRepositories } = JSON.parse(line), texts = [directory, path2, repository ?? "", ...remotes, ...outerRemotes, ...outerRepositories];
    return exists === !0 && texts.every((text3) => typeof text3 == "string") ? directory : void 0;
  } catch {
    return;
  }
}
function textOf5(path2) {
  try {
    return readIfThere(path2) ?? "";
  } catch {
    return "";
  }
}
function append2(path2, line) {
  quietly(() => {
    (0, import_node_fs14.mkdirSync)((0, import_node_path11.join)(path2, ".."), { recursive: !0, mode: 448 }), (0, import_node_fs14.appendFileSync)(path2, line, { mode: 384 });
  });
}
function quietly(act) {
  try {
    act();
  } catch {
  }
}

// src/sync/in-scope.ts
function scopeDecider(config2, home, stateFolder) {
  let directories = directoriesIn(stateFolder), known = /* @__PURE__ */ new Map();
  return (directory) => {
    let before = known.get(directory);
    if (before !== void 0) return before;
    let facts = directories.factsOf(directory), decision = decideScope(config2, facts, home);
    return facts.exists && (decision.inScope || directories.isKnown(facts.directory)) && directories.remember(facts), known.set(directory, decision), decision;
  };
}
var startDirectoryOf = (ref, stateFolder) => (ref.path === void 0 ? readState(stateFolder, nameOf(ref)).startDirectory : void 0) ?? ref.startDirectory;
function sessionsInScope(search) {
  let { config: config2, places, stateFolder, nowMs } = search, decide = scopeDecider(config2, places.home, stateFolder), addedMs = whenAdded(config2, places.home, stateFolder, nowMs), beside = /* @__PURE__ */ new Map();
  return transcriptsWritten(places, search.writtenSinceMs).flatMap((path2) => {
    let ref = readableSession(path2, places, beside), directory = ref && startDirectoryOf(ref, stateFolder);
    if (ref === void 0 || directory === void 0) return [];
    let decision = decide(directory);
    return decision.inScope ? ref.begunMs >= (search.begunSinceMs ?? decision.root.addedMs ?? addedMs(decision.root.path)) ? [ref] : [] : [];
  });
}
function readableSession(path2, places, beside) {
  try {
    return findSessions(path2, places, beside)[0];
  } catch (error) {
    if (error instanceof UserError) return;
    throw error;
  }
}
function transcriptsWritten({ harnesses: harnesses2, env, home }, sinceMs) {
  return harnesses2.flatMap(
    ({ layout: layout2 }) => layout2.roots(env, home).flatMap(
      (root2) => namesIn2(root2).flatMap(
        (folder) => namesIn2((0, import_node_path12.join)(root2, folder)).filter((name) => layout2.classify(name)?.kind === "session").flatMap((name) => {
          let path2 = (0, import_node_path12.join)(root2, folder, name), stats = statsOf2(path2);
          return stats?.isFile() && stats.mtimeMs >= sinceMs ? [{ path: path2, atMs: stats.mtimeMs }] : [];
        })
      )
    )
  ).toSorted((a, b2) => b2.atMs - a.atMs).map(({ path: path2 }) => path2);
}
function whenAdded(config2, home, stateFolder, nowMs) {
  let path2 = (0, import_node_path12.join)(stateFolder, "roots.json"), known = storedTimes(path2), all = [...rootsOf(config2, home).flatMap(({ path: root2, addedMs }) => addedMs === void 0 ? [root2] : []), ...config2.include.map((pattern2) => expanded(pattern2, home))];
  if (all.some((root2) => known[root2] === void 0)) {
    let times = Object.fromEntries(all.map((root2) => [root2, known[root2] ?? nowMs]));
    return writePrivate(path2, `${JSON.stringify(times)}
`), (root2) => times[root2] ?? nowMs;
  }
  return (root2) => known[root2] ?? nowMs;
}
function storedTimes(path2) {
  try {
    return JSON.parse(readIfThere(path2) ?? "{}") ?? {};
  } catch {
    return {};
  }
}
function namesIn2(folder) {
  try {
    return (0, import_node_fs15.readdirSync)(folder);
  } catch {
    return [];
  }
}
function statsOf2(path2) {
  try {
    return (0, import_node_fs15.statSync)(path2);
  } catch {
    return;
  }
}

// src/sync/settings.ts
function openTools(loaded, { home, stateFolder, version: version2, now }, options) {
  let destination = destinationFrom({ env: {}, config: destinationConfig(loaded, home) });
  if (destination === void 0) return;
  let { config: config2 } = loaded, outlet = openOutlet(destination, { ...options, scope: scopeOf(config2.semconv, version2), stateFolder, now });
  return { stateFolder, outlet, build: buildOptionsOf(config2), version: version2, marks: !0, sinceMs: rootTimes(config2, home, stateFolder), now };
}
function rootTimes(config2, home, stateFolder) {
  let decide = scopeDecider(config2, home, stateFolder);
  return (ref) => {
    let directory = startDirectoryOf(ref, stateFolder), decision = directory === void 0 ? void 0 : decide(directory);
    return decision?.inScope === !0 ? decision.root.addedMs : void 0;
  };
}
var buildOptionsOf = ({ content, semconv, agent_usage, resource }) => ({
  content,
  semconv,
  agentUsage: agent_usage,
  resource
});
function scopeOf(semconv, version2) {
  let { schemaUrl } = profiles[semconv];
  return { name: "trace-build", version: version2, ...schemaUrl !== void 0 && { schemaUrl } };
}

// src/hook/catch-up.ts
var import_node_fs18 = require("node:fs"), import_node_path14 = require("node:path");

// src/sync/order.ts
function originalsFirst(refs) {
  let byFolder = /* @__PURE__ */ new Map();
  for (let ref of refs.toSorted((a, b2) => b2.modifiedMs - a.modifiedMs))
    byFolder.set(ref.folder, [...byFolder.get(ref.folder) ?? [], ref]);
  return [...byFolder.values()].flatMap(
    (ofFolder) => ofFolder.toSorted((a, b2) => a.begunMs - b2.begunMs || (a.sessionId < b2.sessionId ? -1 : 1))
  );
}

// src/hook/session-jobs.ts
var import_node_fs17 = require("node:fs");

// src/hook/queue.ts
var import_node_fs16 = require("node:fs"), import_node_path13 = require("node:path");
var JOB_MAX_MS = 336 * 60 * 6e4, QUEUE_MAX_BYTES = 64 * 1024 * 1024, JOB_MAX_BYTES = 16 * 1024 * 1024, HALF_WRITTEN_MAX_MS = 6e4, optionalText = _catch(optional(string2()), void 0), payloadSchema = object({
  session_id: optionalText,
  transcript_path: optionalText,
  cwd: optionalText,
  hook_event_name: optionalText,
  last_assistant_message: optionalText
}), eventSchema = _enum(["SessionStart", "Stop", "SessionEnd"]), queueFolder = (stateFolder) => (0, import_node_path13.join)(stateFolder, "queue");
function jobsIn(stateFolder, nowMs, unusable) {
  let folder = queueFolder(stateFolder);
  return dropOverdue(folder, nowMs), filesIn(folder, /\.job$/).flatMap(({ path: path2, name, atMs, bytes }) => {
    let job = bytes > JOB_MAX_BYTES ? "it is too large" : jobFrom(path2, atMs);
    return typeof job != "string" ? job === void 0 ? [] : [job] : (unusable(name, job), (0, import_node_fs16.rmSync)(path2, { force: !0 }), []);
  });
}
var isEmpty = (stateFolder, but) => filesIn(queueFolder(stateFolder), /\.job$/).every(({ path: path2 }) => but.has(path2)), remove = (job) => (0, import_node_fs16.rmSync)(job.path, { force: !0 });
function jobFrom(path2, atMs) {
  let text3 = textOf6(path2);
  if (text3 === void 0) return;
  let end = text3.indexOf(`

`), [first, ...lines2] = text3.slice(0, Math.max(end, 0)).split(`
`);
  if (first !== "trace-build job 1") return "it does not begin like a job";
  let fields = new Map(lines2.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])), payload = payloadSchema.parse(jsonObject(text3.slice(end + 2))), event = eventSchema.safeParse(fields.get("event") ?? payload.hook_event_name), sessionId = payload.session_id ?? fields.get("session_id");
  if (!event.success) return "it tells of no event we know";
  if (sessionId === void 0 || sessionId === "") return "it tells of no session";
  let pid = Number(fields.get("pid"));
  return {
    path: path2,
    atMs,
    event: event.data,
    sessionId,
    transcriptPath: payload.transcript_path,
    cwd: payload.cwd,
    projectDirectory: fields.get("project_dir"),
    ...Number.isSafeInteger(pid) && pid > 0 && { pid },
    traceparent: fields.get("traceparent"),
    disabled: fields.has("disabled"),
    lastMessage: payload.last_assistant_message
  };
}
function jsonObject(text3) {
  try {
    let value = JSON.parse(text3);
    return typeof value == "object" && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}
function dropOverdue(folder, nowMs) {
  for (let { path: path2 } of filesIn(folder, /^\..*\.tmp$/).filter(({ atMs }) => nowMs - atMs > HALF_WRITTEN_MAX_MS))
    (0, import_node_fs16.rmSync)(path2, { force: !0 });
  let files = filesIn(folder, /\.job$/), bytes = files.reduce((sum2, file) => sum2 + file.bytes, 0);
  for (let file of files) {
    let reason = nowMs - file.atMs > JOB_MAX_MS ? "age" : bytes > QUEUE_MAX_BYTES ? "size" : void 0;
    reason !== void 0 && (bytes -= file.bytes, (0, import_node_fs16.rmSync)(file.path, { force: !0 }), (0, import_node_fs16.appendFileSync)((0, import_node_path13.join)(folder, ".dropped"), `${nowMs} ${reason}
`, { mode: 384 }));
  }
}
function filesIn(folder, pattern2) {
  return namesIn3(folder).filter((name) => pattern2.test(name)).flatMap((name) => {
    let path2 = (0, import_node_path13.join)(folder, name), stats = (0, import_node_fs16.statSync)(path2, { throwIfNoEntry: !1 });
    return stats?.isFile() ? [{ path: path2, name, atMs: stats.mtimeMs, bytes: stats.size }] : [];
  }).toSorted((a, b2) => a.atMs - b2.atMs || (a.name < b2.name ? -1 : 1));
}
function namesIn3(folder) {
  try {
    return (0, import_node_fs16.readdirSync)(folder);
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}
function textOf6(path2) {
  try {
    return (0, import_node_fs16.readFileSync)(path2, "utf8");
  } catch (error) {
    return error.code === "ENOENT" ? void 0 : "";
  }
}

// src/hook/settle.ts
var PATIENCE_MS2 = 2e3, LOOK_EVERY_MS = 25;
async function hasSettled({ path: path2, harness }, stop, clock) {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    if (path2 !== void 0 && harness.layout.hasStop(lastLines(path2), stop)) return !0;
    if (waitedMs >= PATIENCE_MS2 || clock.now() - stop.atMs > PATIENCE_MS2) return !1;
    await clock.wait(LOOK_EVERY_MS);
  }
}

// src/hook/shift.ts
var messageOf = (error) => error instanceof UserError ? `${error.message} ${error.hint}` : error instanceof Error ? error.stack ?? error.message : String(error);

// src/hook/session-jobs.ts
async function takeUp(jobs, crew) {
  let { paths, log } = crew, { sessionId } = jobs[0], done = () => jobs.forEach(remove), ref = refOf(jobs, crew), name = ref === void 0 ? { harness: crew.places.harnesses[0].name, sessionId } : nameOf(ref), known = readState(paths.state, name);
  if (known.disabled || jobs.some(({ disabled }) => disabled))
    return writeState(paths.state, { ...known, disabled: !0 }, "settled"), done();
  let directory = ref === void 0 ? known.startDirectory ?? startDirectoryIn(jobs) : startDirectoryOf(ref, paths.state);
  if ((directory === void 0 ? void 0 : scopeDecider(crew.loaded.config, crew.home, paths.state)(directory))?.inScope !== !0) return done();
  let state = {
    ...withEvents(known, jobs),
    ...directory !== void 0 && { startDirectory: directory },
    ...ref?.path !== void 0 && { transcriptSeen: !0 }
  }, stop = jobs.findLast(({ event }) => event === "Stop"), ended = jobs.at(-1).event === "SessionEnd", settled = ref !== void 0 && stop !== void 0 && !ended && await hasSettled(ref, stop, crew);
  writeState(paths.state, { ...state, ...settled && { stoppedAtMs: stop.atMs } }, "unsettled"), done(), !(ref === void 0 || crew.loaded.config.when === "session" && !ended) && await deliver(ref, crew, log);
}
async function deliver(ref, { tools, now, paths }, log) {
  if (!(tools === void 0 || !mayTry(tools.outlet.health(), now())) && !readState(paths.state, nameOf(ref)).disabled)
    try {
      let delivery = await deliverSession(ref, tools);
      if (delivery.kind === "as it was") return;
      if (delivery.kind === "not sampled") return log("info", "its parent trace is not sampled, so nothing is sent", ref.sessionId);
      let { acknowledged, before, updated, refused, pending, open, messages } = delivery.report, said = Object.entries({ acknowledged, before, updated, refused, pending, open }).flatMap(([what, count]) => count > 0 ? [`${count} ${what}`] : []);
      log(refused + pending > 0 ? "error" : "info", [said.join(", ") || "nothing to send", ...messages].join(". "), ref.sessionId);
    } catch (error) {
      log("error", messageOf(error), ref.sessionId);
      let state = readState(paths.state, nameOf(ref)), [message] = messageOf(error).split(`
`);
      writeState(paths.state, { ...state, failure: { atMs: now(), message } }, "unsettled");
    }
}
function refOf(jobs, { places }) {
  let path2 = jobs.findLast((job) => job.transcriptPath !== void 0)?.transcriptPath;
  try {
    return path2 !== void 0 && (0, import_node_fs17.existsSync)(path2) ? findSessions(path2, places)[0] : findSessions(jobs[0].sessionId, places)[0];
  } catch {
    return;
  }
}
var startDirectoryIn = (jobs) => jobs.find((job) => job.projectDirectory !== void 0)?.projectDirectory ?? jobs.find((job) => job.cwd !== void 0)?.cwd;
function withEvents(known, jobs) {
  let lastMs = (event) => jobs.findLast((job) => job.event === event)?.atMs, [startedAtMs, endedAtMs] = [lastMs("SessionStart") ?? known.startedAtMs, lastMs("SessionEnd") ?? known.endedAtMs], pid = jobs.findLast((job) => job.pid !== void 0)?.pid, process2 = pid === void 0 ? void 0 : processOf(pid) ?? known.process, path2 = jobs.findLast((job) => job.transcriptPath !== void 0)?.transcriptPath ?? known.path, traceparent = known.seenAtMs === void 0 ? validParent(jobs[0].traceparent) : known.traceparent, { process: _, ...rest } = known;
  return {
    ...rest,
    seenAtMs: known.seenAtMs ?? jobs[0].atMs,
    ...path2 !== void 0 && { path: path2 },
    ...startedAtMs !== void 0 && { startedAtMs },
    ...endedAtMs !== void 0 && { endedAtMs },
    ...process2 !== void 0 && { process: process2 },
    ...traceparent !== void 0 && { traceparent }
  };
}
var validParent = (traceparent) => traceparent !== void 0 && parentFrom(traceparent) !== void 0 ? traceparent : void 0;

// src/hook/catch-up.ts
var SCAN_EVERY_MS = 60 * 6e4, SCAN_OVERLAP_MS = 10 * 6e4, UNBEGUN_MAX_MS = 336 * 60 * 6e4, PRUNE_EVERY_MS = 10080 * 6e4, FAILURE_KEPT_MS = 336 * 60 * 6e4, HALF_WRITTEN_MAX_MS2 = 60 * 6e4;
async function* catchUp(crew, began) {
  let { paths, now, loaded, log, home } = crew, decide = scopeDecider(loaded.config, home, paths.state), isInScope = (ref) => {
    let directory = startDirectoryOf(ref, paths.state);
    return directory !== void 0 && decide(directory).inScope;
  }, deliverIfDue = async (ref, state) => {
    (loaded.config.when === "turn" || standingOf(ref, state, now()).ended) && await deliver(ref, crew, log);
  }, delivers = maySend(crew);
  for (let state of unsettledSessions(paths.state)) {
    if (state.disabled && settle2(paths.state, state), state.disabled || isThere(state) && (!delivers || isAsItWas2(state, crew))) continue;
    let ref = refOf2(state, crew);
    ref === void 0 ? settleGone(state, crew) : delivers && isInScope(ref) && (await deliverIfDue(ref, state), delivers = maySend(crew)), yield;
  }
  let times = readTimes(paths.state);
  if (!began() || within(times.scannedAtMs, SCAN_EVERY_MS, now())) return;
  let scannedAtMs = now(), found = sessionsInScope({
    config: loaded.config,
    places: crew.places,
    stateFolder: paths.state,
    writtenSinceMs: within(times.scannedAtMs, Number.POSITIVE_INFINITY, scannedAtMs) ? times.scannedAtMs - SCAN_OVERLAP_MS : 0,
    nowMs: scannedAtMs
  });
  for (let ref of originalsFirst(found)) {
    yield;
    let known = readState(paths.state, nameOf(ref));
    if (known.disabled) continue;
    let state = { ...known, ...ref.path !== void 0 && { path: ref.path, transcriptSeen: !0 } };
    writeState(paths.state, state, "unsettled"), await deliverIfDue(ref, state);
  }
  let prunes = !within(times.prunedAtMs, PRUNE_EVERY_MS, now());
  prunes && await prune2(crew), writePrivate(timesPath(paths.state), `${JSON.stringify({ scannedAtMs, prunedAtMs: prunes ? now() : times.prunedAtMs })}
`);
}
var maySend = ({ tools, now }) => tools !== void 0 && mayTry(tools.outlet.health(), now()), isThere = ({ path: path2 }) => path2 !== void 0 && (0, import_node_fs18.existsSync)(path2);
function isAsItWas2(state, { tools, version: version2, places, now }) {
  let { path: path2, delivered } = state, known = delivered?.[tools?.outlet.key ?? ""], harness = places.harnesses.find(({ name }) => name === state.harness);
  if (harness === void 0 || path2 === void 0 || known === void 0 || known.pending > 0 || known.ended || known.version !== version2 || !isOwnStamp(path2, known.seen)) return !1;
  let modifiedMs = (0, import_node_fs18.statSync)(path2, { throwIfNoEntry: !1 })?.mtimeMs ?? 0;
  return !standingOf({ harness, path: path2, modifiedMs }, state, now()).ended;
}
function refOf2({ path: path2, sessionId }, { places }) {
  try {
    return findSessions(path2 !== void 0 && (0, import_node_fs18.existsSync)(path2) ? path2 : sessionId, places)[0];
  } catch {
    return;
  }
}
function settleGone(state, { paths, log, now }) {
  if (state.delivered === void 0 && !state.transcriptSeen) {
    isOver(state, now()) && forget(paths.state, state);
    return;
  }
  let message = `its transcript is gone, and ${state.delivered === void 0 ? "nothing of it was" : `${owedBy(state)} of its spans were not`} delivered`, isLost = state.delivered === void 0 || owedBy(state) > 0;
  isLost && log("error", message, state.sessionId), writeState(paths.state, { ...state, ...isLost && { failure: { atMs: now(), message } } }, "settled");
}
function isOver({ endedAtMs, process: process2, seenAtMs = 0 }, nowMs) {
  return endedAtMs !== void 0 || process2 !== void 0 && isAlive(process2) === !1 || nowMs - seenAtMs > UNBEGUN_MAX_MS;
}
async function prune2({ paths, tools, now }) {
  let gone = allSessions(paths.state).filter(
    (state) => !state.disabled && (state.conversationId ?? state.failure) !== void 0 && state.path !== void 0 && !(0, import_node_fs18.existsSync)(state.path) && !within(state.failure?.atMs, FAILURE_KEPT_MS, now())
  ), keys2 = new Set(gone.filter((state) => owedBy(state) === 0).flatMap(({ conversationId }) => conversationId ?? []));
  await tools?.outlet.prune((session) => keys2.has(session));
  for (let state of gone) forget(paths.state, state);
  removeHalfWritten(paths.state, now() - HALF_WRITTEN_MAX_MS2);
}
var owedBy = ({ delivered = {} }) => Math.max(0, ...Object.values(delivered).map(({ pending, open }) => pending + open)), timesPath = (stateFolder) => (0, import_node_path14.join)(stateFolder, "catch-up.json");
function readTimes(stateFolder) {
  try {
    return JSON.parse(readIfThere(timesPath(stateFolder)) ?? "{}") ?? {};
  } catch {
    return {};
  }
}
var within = (atMs, ms, nowMs) => atMs !== void 0 && atMs <= nowMs && nowMs - atMs < ms;

// src/hook/log.ts
var import_node_fs19 = require("node:fs"), import_node_path15 = require("node:path");
var LOG_MAX_BYTES = 256 * 1024, openLog = (stateFolder, now) => (level, message, session) => {
  let path2 = (0, import_node_path15.join)(stateFolder, "log");
  try {
    ((0, import_node_fs19.statSync)(path2, { throwIfNoEntry: !1 })?.size ?? 0) > LOG_MAX_BYTES && (0, import_node_fs19.renameSync)(path2, `${path2}.1`), (0, import_node_fs19.appendFileSync)(path2, `${JSON.stringify({ atMs: now(), level, session, message })}
`, { mode: 384 });
  } catch {
  }
};

// src/hook/notice.ts
var import_node_fs20 = require("node:fs"), import_node_path16 = require("node:path");
function writeNotice(stateFolder, when, standing) {
  let path2 = (0, import_node_path16.join)(stateFolder, "notice.json"), words = when === "off" ? void 0 : failure2(standing) ?? (when === "always" ? success(standing) : void 0);
  if (words === void 0) {
    (0, import_node_fs20.rmSync)(path2, { force: !0 });
    return;
  }
  let text3 = `${JSON.stringify({ systemMessage: `trace-build: ${words}` })}
`;
  readIfThere(path2) !== text3 && writePrivate(path2, text3);
}
function failure2({ obstacle, health, pending }) {
  let reason = obstacle ?? (pending > 0 ? health?.failing?.message : void 0);
  return reason === void 0 ? void 0 : `${pending === 0 ? "" : pending === 1 ? "one session waits to be delivered. " : `${pending} sessions wait to be delivered. `}${reason} \`trace-build doctor\` tells more.`;
}
var success = ({ health }) => health?.lastAcknowledgedMs === void 0 ? void 0 : `last delivery ${new Date(health.lastAcknowledgedMs).toISOString()}, to ${health.url}.`;

// src/hook/waiting.ts
var import_node_fs21 = require("node:fs");
function waitingSessions({ stateFolder, config: config2, places, key, nowMs }) {
  let decide = scopeDecider(config2, places.home, stateFolder), isDue = (state) => {
    let { path: path2, startDirectory } = state, harness = places.harnesses.find(({ name }) => name === state.harness);
    if (harness === void 0 || path2 === void 0 || !(0, import_node_fs21.existsSync)(path2) || startDirectory !== void 0 && !decide(startDirectory).inScope) return !1;
    let modifiedMs = (0, import_node_fs21.statSync)(path2, { throwIfNoEntry: !1 })?.mtimeMs ?? 0;
    return config2.when === "turn" || standingOf({ harness, path: path2, modifiedMs }, state, nowMs).ended;
  };
  return unsettledSessions(stateFolder).filter((state) => {
    let known = key === void 0 ? void 0 : state.delivered?.[key];
    return !state.disabled && (known === void 0 ? isDue(state) : known.pending > 0);
  }).length;
}

// src/hook/worker.ts
var AWAITED_LOCK_MS = 6e4, DEADLINE_MS2 = 2e4;
async function work(world) {
  let { state } = world.paths, log = openLog(state, world.now), left = /* @__PURE__ */ new Set();
  try {
    for (; ; ) {
      let folder = (0, import_node_path17.join)(state, "worker.lock"), held = world.awaited ? await lock(folder, AWAITED_LOCK_MS) : tryLock(folder);
      if (held === void 0) return;
      try {
        if (!await shift(world, left, log)) return;
      } finally {
        held.release();
      }
      if (isEmpty(state, left)) return;
    }
  } catch (error) {
    log("error", messageOf(error));
  }
}
async function shift(world, left, log) {
  let { paths, home, version: version2, now } = world, opened;
  try {
    let loaded2 = loadConfig(paths);
    opened = { loaded: loaded2, tools: openTools(loaded2, { home, stateFolder: paths.state, version: version2, now }, { deadlineMs: DEADLINE_MS2 }) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return log("error", messageOf(error)), writeNotice(paths.state, "failures", { obstacle: messageOf(error), pending: 0 }), !1;
  }
  let { loaded, tools } = opened, crew = { ...world, loaded, tools, left, places: placesOf(world), log };
  try {
    let scans = await drain(crew);
    for await (let _ of catchUp(crew, () => scans)) scans = await drain(crew) || scans;
  } finally {
    await tools?.outlet.close();
  }
  let { places } = crew, pending = waitingSessions({ stateFolder: paths.state, config: loaded.config, places, key: tools?.outlet.key, nowMs: now() }), obstacle = tools === void 0 && pending > 0 ? "No endpoint is set: `trace-build init` sets one." : void 0;
  return writeNotice(paths.state, loaded.config.notice, { obstacle, health: tools?.outlet.health(), pending }), !0;
}
var placesOf = ({ home }) => ({ env: {}, home, harnesses });
async function drain(crew) {
  let began = !1;
  for (; ; ) {
    let jobs = jobsIn(crew.paths.state, crew.now(), (name, why) => crew.log("error", `${name} was removed from the queue: ${why}`)).filter(({ path: path2 }) => !crew.left.has(path2));
    if (jobs.length === 0) return began;
    began ||= jobs.some(({ event }) => event === "SessionStart");
    let bySession = /* @__PURE__ */ new Map();
    for (let job of jobs) bySession.set(job.sessionId, [...bySession.get(job.sessionId) ?? [], job]);
    for (let ofSession of bySession.values())
      try {
        await takeUp(ofSession, crew);
      } catch (error) {
        crew.log("error", messageOf(error), ofSession[0].sessionId);
        for (let { path: path2 } of ofSession) crew.left.add(path2);
      }
  }
}

// src/hook/main.ts
var VERSION5 = "0.1.0", argument = (name) => {
  let at = process.argv.indexOf(name);
  return at < 0 ? void 0 : process.argv[at + 1];
};
process.umask(63);
process.on("SIGHUP", () => {
});
work({
  paths: pathsFor({ home: (0, import_node_os2.homedir)(), env: {}, platform: process.platform, managed: argument("--managed") }),
  home: (0, import_node_os2.homedir)(),
  version: VERSION5,
  awaited: process.argv.includes("--wait"),
  now: Date.now,
  wait: (ms) => new Promise((resolve4) => setTimeout(resolve4, ms))
});
