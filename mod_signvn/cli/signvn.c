/* signvn.c: the command line: one row per command. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "cli/cli.h"

typedef struct {
    const char *verb;
    int (*run)(sgn_cli_t *cli);
    const char *use;
} command_t;

static const command_t commands[] = {
    { .verb = "verify", .run = sgn_cmd_verify, .use = "FILE... [--json] [--evidence FILE]... [--anchors FILE] [--intermediates FILE]" },
    { .verb = "people", .run = sgn_cmd_people, .use = "list | import FILE.json | incident CERTIFICATE CLASS | lift CERTIFICATE" },
    { .verb = "agency", .run = sgn_cmd_agency, .use = "list | check | register CODE YEAR SERIES" },
    { .verb = "archive", .run = sgn_cmd_archive, .use = "list [WORDS] [--number N] ... | get ID [--output FILE] | check [DIRECTORY] [--quick] | rebuild" },
    { .verb = "backup", .run = sgn_cmd_backup, .use = "run [TARGET] [--full] | list | verify TARGET [--level N] | restore TARGET DIRECTORY" },
    { .verb = "audit", .run = sgn_cmd_audit, .use = "verify | list [--agency A] [--action A]" },
    { .verb = "doctor", .run = sgn_cmd_doctor, .use = "[--json]" },
};

#define COMMANDS (sizeof commands / sizeof *commands)

static int usage(void)
{
    fputs("signvn [--config FILE] [--lang vi|en] COMMAND ...\n", stderr);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stderr, "  %-8s %s\n", commands[i].verb, commands[i].use);
    return 2;
}

/* Options of signvn itself stand anywhere. */
static void read_common(sgn_cli_t *cli)
{
    const char *lang = getenv("SIGNVN_LANG"), *given;

    given = sgn_cli_option(cli, "lang");
    if (given)
        lang = given;
    cli->lang = lang && strncmp(lang, "en", 2) == 0 ? "en" : "vi";
    cli->config_path = sgn_cli_option(cli, "config");
    cli->json = sgn_cli_flag(cli, "json");
}

int main(int argc, char **argv)
{
    sgn_cli_t cli = { .argc = argc - 1, .argv = (const char *const *)(argv + 1), .zygote = -1 };
    const char *verb;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("signvn " SGN_VERSION " " SGN_BUILD);
        return 0;
    }
    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&cli.pool, NULL);
    read_common(&cli);
    if (cli.argc < 1)
        return usage();
    verb = cli.argv[0];
    cli.argv++;
    cli.argc--;
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].verb, verb) == 0)
            return commands[i].run(&cli);
    return usage();
}
