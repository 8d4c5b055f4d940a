package camsec

// JSONSchema returns the JSON Schema (draft 2020-12) of what
// [Reports.WriteJSON] writes. A line of [Reports.WriteJSONL] is its
// "#/$defs/device".
func (Reports) JSONSchema() string { return reportJSONSchema }

const reportJSONSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "urn:camsec:report:1",
  "title": "camsec report",
  "type": "object",
  "required": ["schema", "note", "about", "judgedAt", "data", "summary", "notReached", "devices"],
  "additionalProperties": false,
  "properties": {
    "schema": {"const": "camsec.report/1"},
    "note": {"type": "string", "minLength": 1},
    "about": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "customer": {"type": "string"},
        "site": {"type": "string"},
        "operator": {"type": "string"},
        "ticket": {"type": "string"},
        "redacted": {"type": "boolean"}
      }
    },
    "judgedAt": {"anyOf": [{"$ref": "#/$defs/time"}, {"type": "null"}]},
    "data": {
      "type": "array",
      "items": {
        "type": "object",
        "required": ["name", "asOf"],
        "additionalProperties": false,
        "properties": {"name": {"type": "string"}, "asOf": {"$ref": "#/$defs/time"}}
      }
    },
    "summary": {
      "type": "object",
      "required": ["devices", "notReached", "findings", "results"],
      "additionalProperties": false,
      "properties": {
        "devices": {"$ref": "#/$defs/count"},
        "notReached": {"$ref": "#/$defs/count"},
        "findings": {
          "type": "object",
          "propertyNames": {"$ref": "#/$defs/severity"},
          "additionalProperties": {"$ref": "#/$defs/count"}
        },
        "results": {"$ref": "#/$defs/counts"}
      }
    },
    "notReached": {
      "type": "array",
      "items": {
        "type": "object",
        "required": ["error"],
        "additionalProperties": false,
        "properties": {
          "scope": {"type": "string"},
          "address": {"type": "string"},
          "id": {"type": "string"},
          "error": {"$ref": "#/$defs/problem"}
        }
      }
    },
    "devices": {"type": "array", "items": {"$ref": "#/$defs/device"}}
  },
  "$defs": {
    "time": {"type": "string", "format": "date-time", "pattern": "Z$"},
    "count": {"type": "integer", "minimum": 0},
    "counts": {
      "type": "object",
      "required": ["pass", "fail", "unknown", "notApplicable", "waived"],
      "additionalProperties": false,
      "properties": {
        "pass": {"$ref": "#/$defs/count"},
        "fail": {"$ref": "#/$defs/count"},
        "unknown": {"$ref": "#/$defs/count"},
        "notApplicable": {"$ref": "#/$defs/count"},
        "waived": {"$ref": "#/$defs/count"}
      }
    },
    "severity": {"enum": ["info", "low", "medium", "high", "critical"]},
    "state": {"enum": ["unknown", "off", "on"]},
    "problem": {
      "type": "object",
      "required": ["code", "message", "retryable"],
      "additionalProperties": false,
      "properties": {
        "code": {"enum": ["", "unreachable", "untrusted", "refused", "locked", "forbidden", "not-offered", "not-readable", "no-credential", "unparsable", "busy", "cancelled"]},
        "message": {"type": "string"},
        "retryable": {"type": "boolean"}
      }
    },
    "firmware": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "raw": {"type": "string"},
        "version": {"type": "string"},
        "build": {"type": "string"},
        "released": {"type": "string"},
        "platform": {"type": "string"}
      }
    },
    "channel": {
      "type": "object",
      "required": ["id", "firmware", "online", "login", "validatesCertificate"],
      "additionalProperties": false,
      "properties": {
        "id": {"type": "string"},
        "via": {"type": "string"},
        "name": {"type": "string"},
        "address": {"type": "string"},
        "protocol": {"type": "string"},
        "model": {"type": "string"},
        "serial": {"type": "string"},
        "firmware": {"$ref": "#/$defs/firmware"},
        "online": {"$ref": "#/$defs/state"},
        "user": {"type": "string"},
        "login": {"$ref": "#/$defs/state"},
        "validatesCertificate": {"$ref": "#/$defs/state"},
        "group": {"type": "string"}
      }
    },
    "device": {
      "type": "object",
      "required": ["inventory", "takenAt", "judgedAt", "score", "scoring", "summary", "results", "errors", "clockOffsetSeconds"],
      "additionalProperties": false,
      "properties": {
        "note": {"type": "string"},
        "id": {"type": "string"},
        "scope": {"type": "string"},
        "address": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "inventory": {
          "type": "object",
          "required": ["firmware"],
          "additionalProperties": false,
          "properties": {
            "vendor": {"type": "string"},
            "model": {"type": "string"},
            "serial": {"type": "string"},
            "mac": {"type": "string"},
            "type": {"type": "string"},
            "firmware": {"$ref": "#/$defs/firmware"},
            "channels": {"type": "array", "items": {"$ref": "#/$defs/channel"}},
            "channelsError": {"$ref": "#/$defs/problem"}
          }
        },
        "protocol": {"type": "string"},
        "trust": {"type": "string"},
        "takenAt": {"anyOf": [{"$ref": "#/$defs/time"}, {"type": "null"}]},
        "judgedAt": {"$ref": "#/$defs/time"},
        "clockOffsetSeconds": {"type": ["integer", "null"]},
        "data": {"type": "object", "additionalProperties": {"$ref": "#/$defs/time"}},
        "score": {"type": ["integer", "null"], "minimum": 0, "maximum": 100},
        "scoring": {
          "type": "object",
          "required": ["version", "formula", "capped", "unknownShare"],
          "additionalProperties": false,
          "properties": {
            "version": {"type": "string"},
            "formula": {"type": "string"},
            "capped": {"type": "boolean"},
            "unknownShare": {"type": "number", "minimum": 0, "maximum": 1}
          }
        },
        "summary": {"$ref": "#/$defs/counts"},
        "results": {
          "type": "array",
          "items": {
            "type": "object",
            "required": ["control", "title", "severity", "status", "reason", "evidence"],
            "additionalProperties": false,
            "properties": {
              "control": {"type": "string"},
              "title": {"type": "string"},
              "severity": {"$ref": "#/$defs/severity"},
              "status": {"enum": ["unknown", "pass", "fail", "notApplicable", "waived"]},
              "reason": {"type": "string"},
              "level": {"type": "integer"},
              "rationale": {"type": "string"},
              "cutOffRisk": {"type": "string"},
              "remedy": {"type": "string"},
              "evidence": {
                "type": "array",
                "items": {
                  "type": "object",
                  "additionalProperties": false,
                  "properties": {
                    "operation": {"type": "string"},
                    "path": {"type": "string"},
                    "kind": {"enum": ["recorded", "documented"]}
                  }
                }
              },
              "references": {"type": "array", "items": {"type": "string"}}
            }
          }
        },
        "errors": {
          "type": "object",
          "additionalProperties": {"anyOf": [{"$ref": "#/$defs/problem"}, {"type": "null"}]}
        }
      }
    }
  }
}
`
