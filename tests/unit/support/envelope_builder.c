#include "support/envelope_builder.h"

#include <string.h>

static const uint8_t some_bytes[] = {0x01, 0x80, 0xff, 0x00};

void scale_compact(test_buffer *out, uint32_t value)
{
    if (value < 64) {
        buffer_u8(out, (uint8_t)(value << 2));
    } else if (value < 16384) {
        buffer_u16_le(out, (uint16_t)(value << 2 | 1));
    } else {
        buffer_u32_le(out, value << 2 | 2);
    }
}

void scale_bytes(test_buffer *out, const void *bytes, size_t len)
{
    scale_compact(out, (uint32_t)len);
    buffer_add(out, bytes, len);
}

void scale_text(test_buffer *out, const char *text)
{
    scale_bytes(out, text, strlen(text));
}

static void scale_tdx(test_buffer *out, const test_buffer *quote)
{
    scale_bytes(out, quote->data, quote->len);
    scale_compact(out, 1);
    buffer_u32_le(out, 3);
    buffer_u32_le(out, 0x08000001);
    scale_bytes(out, NULL, 0);
    scale_text(out, "app-id");
    scale_bytes(out, some_bytes, sizeof some_bytes);
}

static void scale_tpm_quote(test_buffer *out)
{
    scale_bytes(out, some_bytes, sizeof some_bytes);
    scale_bytes(out, some_bytes, sizeof some_bytes);
    scale_compact(out, 1);
    buffer_u32_le(out, 14);
    scale_text(out, "sha256");
    scale_bytes(out, some_bytes, sizeof some_bytes);
    scale_bytes(out, some_bytes, sizeof some_bytes);
    buffer_u8(out, 1);
    scale_compact(out, 1);
    buffer_u32_le(out, 14);
    scale_bytes(out, some_bytes, sizeof some_bytes);
}

void envelope_v0_body(test_buffer *out, uint8_t tag, const test_buffer *quote)
{
    switch (tag) {
    case 0:
        scale_tdx(out, quote);
        break;
    case 1:
        scale_tdx(out, quote);
        scale_tpm_quote(out);
        break;
    case 3:
        scale_bytes(out, some_bytes, sizeof some_bytes);
        scale_compact(out, 2);
        scale_bytes(out, some_bytes, sizeof some_bytes);
        scale_bytes(out, NULL, 0);
        scale_text(out, "{}");
        break;
    default:
        scale_bytes(out, some_bytes, sizeof some_bytes);
        break;
    }
}

void envelope_v0_rest(test_buffer *out, uint8_t report_data_fill)
{
    scale_compact(out, 2);
    scale_text(out, "system-preparing");
    scale_bytes(out, NULL, 0);
    scale_text(out, "app-id");
    scale_bytes(out, some_bytes, sizeof some_bytes);
    buffer_fill(out, report_data_fill, 64);
    scale_text(out, "{\"vm\":1}");
}

void envelope_v0(test_buffer *out, uint8_t tag, bool with_body, const test_buffer *quote, uint8_t report_data_fill)
{
    buffer_u8(out, 0);
    buffer_u8(out, tag);
    if (with_body) {
        envelope_v0_body(out, tag, quote);
    }
    envelope_v0_rest(out, report_data_fill);
}

/* First byte and count: in the first byte up to `fixed_max`, else 16 or 32 bits behind `wide`. */
static void pack_count(test_buffer *out, uint8_t fixed, uint32_t fixed_max, uint8_t wide, uint32_t count)
{
    if (count <= fixed_max) {
        buffer_u8(out, (uint8_t)(fixed | count));
    } else if (count <= UINT16_MAX) {
        buffer_u8(out, wide);
        buffer_u16_be(out, (uint16_t)count);
    } else {
        buffer_u8(out, (uint8_t)(wide + 1));
        buffer_u32_be(out, count);
    }
}

void pack_map(test_buffer *out, uint32_t pairs)
{
    pack_count(out, 0x80, 0x0f, 0xde, pairs);
}

void pack_array(test_buffer *out, uint32_t elements)
{
    pack_count(out, 0x90, 0x0f, 0xdc, elements);
}

void pack_text(test_buffer *out, const char *text)
{
    pack_count(out, 0xa0, 0x1f, 0xda, (uint32_t)strlen(text));
    buffer_add_text(out, text);
}

void pack_bin(test_buffer *out, const void *bytes, size_t len)
{
    if (len <= UINT8_MAX) {
        buffer_u8(out, 0xc4);
        buffer_u8(out, (uint8_t)len);
    } else if (len <= UINT16_MAX) {
        buffer_u8(out, 0xc5);
        buffer_u16_be(out, (uint16_t)len);
    } else {
        buffer_u8(out, 0xc6);
        buffer_u32_be(out, (uint32_t)len);
    }
    buffer_add(out, bytes, len);
}

void pack_unsigned(test_buffer *out, uint32_t value)
{
    if (value < 0x80) {
        buffer_u8(out, (uint8_t)value);
    } else if (value <= UINT8_MAX) {
        buffer_u8(out, 0xcc);
        buffer_u8(out, (uint8_t)value);
    } else {
        buffer_u8(out, 0xce);
        buffer_u32_be(out, value);
    }
}

void pack_octets(test_buffer *out, const void *bytes, size_t len)
{
    const uint8_t *octets = bytes;

    pack_array(out, (uint32_t)len);
    for (size_t i = 0; i < len; i++) {
        pack_unsigned(out, octets[i]);
    }
}

static void pack_bytes(test_buffer *out, const envelope_v1_spec *spec, const void *bytes, size_t len)
{
    if (spec->octets_as_bin) {
        pack_bin(out, bytes, len);
    } else {
        pack_octets(out, bytes, len);
    }
}

static void pack_named_bin(test_buffer *out, const char *name)
{
    pack_text(out, name);
    pack_bin(out, some_bytes, sizeof some_bytes);
}

static void pack_tdx_members(test_buffer *out, const envelope_v1_spec *spec)
{
    pack_text(out, "quote");
    pack_bytes(out, spec, spec->quote->data, spec->quote->len);
    pack_text(out, "event_log");
    pack_array(out, 1);
    pack_map(out, 7);
    pack_text(out, "imr");
    pack_unsigned(out, 3);
    pack_text(out, "event_type");
    pack_unsigned(out, 0x08000001);
    pack_named_bin(out, "digest");
    pack_text(out, "event");
    pack_text(out, "app-id");
    pack_named_bin(out, "event_payload");
    pack_text(out, "version");
    pack_unsigned(out, 2);
    pack_text(out, "preimage");
    pack_text(out, "00ff");
}

static void pack_tpm_quote(test_buffer *out)
{
    pack_text(out, "tpm_quote");
    pack_map(out, 6);
    pack_named_bin(out, "message");
    pack_named_bin(out, "signature");
    pack_text(out, "pcr_values");
    pack_array(out, 1);
    pack_map(out, 3);
    pack_text(out, "index");
    pack_unsigned(out, 14);
    pack_text(out, "algorithm");
    pack_text(out, "sha256");
    pack_named_bin(out, "value");
    pack_named_bin(out, "ak_cert");
    pack_text(out, "platform");
    pack_text(out, "gcp");
    pack_text(out, "event_log");
    pack_array(out, 1);
    pack_map(out, 2);
    pack_text(out, "pcr_index");
    pack_unsigned(out, 14);
    pack_named_bin(out, "digest");
}

static void pack_sev_members(test_buffer *out)
{
    pack_text(out, "report");
    pack_octets(out, some_bytes, sizeof some_bytes);
    pack_text(out, "cert_chain");
    pack_array(out, 2);
    pack_octets(out, some_bytes, sizeof some_bytes);
    pack_bin(out, some_bytes, sizeof some_bytes);
    pack_text(out, "mr_config");
    pack_text(out, "{}");
}

static void pack_platform_data(test_buffer *out, const envelope_v1_spec *spec)
{
    if (strcmp(spec->kind, "gcp-tdx") == 0) {
        pack_map(out, 3);
        pack_tdx_members(out, spec);
        pack_tpm_quote(out);
    } else if (strcmp(spec->kind, "sev-snp") == 0) {
        pack_map(out, 3);
        pack_sev_members(out);
    } else if (strcmp(spec->kind, "tdx") == 0) {
        pack_map(out, spec->unknown_members ? 3 : 2);
        pack_tdx_members(out, spec);
        if (spec->unknown_members) {
            pack_text(out, "later");
            pack_map(out, 1);
            pack_text(out, "deep");
            pack_array(out, 2);
            buffer_u8(out, 0xc0);
            buffer_u8(out, 0xc3);
        }
    } else {
        pack_map(out, 1);
        pack_text(out, strcmp(spec->kind, "nitro-enclave") == 0 ? "nsm_quote" : "attestation_doc");
        pack_octets(out, some_bytes, sizeof some_bytes);
    }
}

static void pack_platform(test_buffer *out, const envelope_v1_spec *spec)
{
    pack_text(out, "platform");
    pack_map(out, spec->without_data ? 1 : 2);
    pack_text(out, "kind");
    pack_text(out, spec->kind);
    if (!spec->without_data) {
        pack_text(out, "data");
        pack_platform_data(out, spec);
    }
}

static void pack_stack(test_buffer *out, const envelope_v1_spec *spec)
{
    uint8_t report_data[64];

    memset(report_data, spec->report_data_fill, sizeof report_data);
    pack_text(out, "stack");
    pack_map(out, 2);
    pack_text(out, "kind");
    pack_text(out, spec->pod_payload == NULL ? "dstack" : "dstack-pod");
    pack_text(out, "data");
    pack_map(out, spec->pod_payload == NULL ? 3 : 4);
    pack_text(out, "report_data");
    pack_bytes(out, spec, spec->pod_report_data == NULL ? report_data : spec->pod_report_data, sizeof report_data);
    pack_text(out, "runtime_events");
    pack_array(out, 1);
    pack_map(out, 3);
    pack_text(out, "event");
    pack_text(out, "app-id");
    pack_named_bin(out, "payload");
    pack_text(out, "version");
    pack_unsigned(out, 1);
    pack_text(out, "config");
    pack_text(out, "{\"vm\":1}");
    if (spec->pod_payload != NULL) {
        pack_text(out, "report_data_payload");
        pack_text(out, spec->pod_payload);
    }
}

void envelope_v1(test_buffer *out, const envelope_v1_spec *spec)
{
    pack_map(out, spec->unknown_members ? 4 : 3);
    if (spec->reversed) {
        pack_stack(out, spec);
        pack_platform(out, spec);
    }
    pack_text(out, "version");
    pack_unsigned(out, 1);
    if (!spec->reversed) {
        pack_platform(out, spec);
        pack_stack(out, spec);
    }
    if (spec->unknown_members) {
        pack_text(out, "later");
        buffer_u8(out, 0xcb); /* a float of 64 bits */
        buffer_fill(out, 0x3f, 8);
    }
}
