/* signvn.c: the command line: one row per command, in commands.def. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "cli/cli.h"

typedef struct {
    const char *verb;
    int (*run)(sgn_cli_t *cli);
    const char *use, *vi, *en;
} command_t;

static const command_t commands[] = {
#define COMMAND(name, how, vietnamese, english) { .verb = #name, .run = sgn_cmd_##name, .use = how, .vi = vietnamese, .en = english },
#include "cli/commands.def"
#undef COMMAND
};

#define COMMANDS (sizeof commands / sizeof *commands)

static int usage(FILE *out)
{
    fputs("signvn [--config FILE] [--lang vi|en] COMMAND ...\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "\n  signvn %s %s\n      %s\n      %s\n", commands[i].verb, commands[i].use, commands[i].vi, commands[i].en);
    fprintf(out, "\n  --config FILE   %s\n                  %s\n  --lang vi|en    %s\n",
            SGN_HELP_CONFIG_VI, SGN_HELP_CONFIG_EN, SGN_HELP_LANG);
    return out == stdout ? 0 : 2;
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
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout);
    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&cli.pool, NULL);
    read_common(&cli);
    if (cli.argc < 1)
        return usage(stderr);
    verb = cli.argv[0];
    cli.argv++;
    cli.argc--;
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].verb, verb) == 0)
            return commands[i].run(&cli);
    return usage(stderr);
}
